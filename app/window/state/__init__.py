"""What the window shows, as plain objects: no Qt, no threads. Widgets subscribe to them."""
