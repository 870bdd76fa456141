"""What Bedrock needs beside the transport: signatures and credentials."""
