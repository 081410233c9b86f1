"""What generated code and the logic of services stand on."""
