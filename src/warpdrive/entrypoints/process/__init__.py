"""What every process of ours needs from its machine: clocks, the service manager's ear, the signals that end it."""
