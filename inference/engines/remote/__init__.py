"""What engines on servers share, whatever the server is: HTTP, residency, verification, the fleet, retries."""
