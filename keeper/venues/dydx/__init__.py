"""dYdX v4: grpc, v4_proto, httpx and websockets stay in here; import submodules by name."""
