"""What operators use: the map, stories, metrics, doctor, health, REST and the audit."""
