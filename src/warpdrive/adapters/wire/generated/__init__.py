"""What `make proto` makes of proto/: betterproto's classes and the descriptor set. Never edited by hand.

`messages` holds classes and the clients' stubs, `descriptors.binpb` is a google.protobuf.FileDescriptorSet with
annotations and comments, which `contract` reads.
"""
