"""The client's transport of our own: gRPC over HTTP/2 on asyncio. `backend` is its way in."""
