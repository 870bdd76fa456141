"""WebSocket connections on picows: addresses, dialling, opening, and the exchange on an open one."""
