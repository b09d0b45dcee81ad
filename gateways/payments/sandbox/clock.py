"""The sandbox's own clock: the machine's, plus what the control API jumped ahead. It never goes back."""

import time


class Clock:
    def __init__(self, ahead: float = 0.0) -> None:
        self.ahead = ahead

    def now(self) -> int:
        return int(self.exact())

    def exact(self) -> float:
        return time.time() + self.ahead

    def jump(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock never goes back")
        self.ahead += seconds
