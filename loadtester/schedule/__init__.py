"""When each request of a run is due, or each user there: rate curves, a model of real traffic, and recorded traces."""

from loadtester.schedule.arrivals import Arrivals
from loadtester.schedule.day import Stretch
from loadtester.schedule.dispersion import index_of_dispersion
from loadtester.schedule.plan import plan
from loadtester.schedule.trace import read_trace
from loadtester.schedule.users import Users, users

__all__ = ["Arrivals", "Stretch", "Users", "index_of_dispersion", "plan", "read_trace", "users"]
