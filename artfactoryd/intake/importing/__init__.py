"""Pictures of others, or of another home, that become products: looked at, and taken into the shelf."""
