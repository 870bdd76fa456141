"""The slower way to the same protocols, through httpx, websockets and aioboto3: HTTP/2, proxies, a second opinion."""
