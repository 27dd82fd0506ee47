"""The language programs are written in, what they may call, and the processes they run in."""
