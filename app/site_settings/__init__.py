"""What admins set for the whole site: how people reach Doorstep."""
