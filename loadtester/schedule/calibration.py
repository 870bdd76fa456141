"""What real traffic looks like: figures measured on public traces, named with licence in SOURCES.md beside this file.

Azure: Azure LLM inference trace 2023, conversation (CC-BY-4.0). RAGPulse: chatbot trace, 14 days (MIT, copyright 2025
zhengchao wang). ServeGen: request rates, 14 days (Apache-2.0).
"""

from __future__ import annotations

from typing import Final

#: Requests in each hour of a weekday over the mean of all, from midnight. RAGPulse.
WEEKDAY_BY_HOUR: Final = (
    1.09, 0.36, 0.28, 0.07, 0.05, 0.05, 0.12, 0.34, 0.88, 1.30, 1.57, 1.46,
    1.06, 1.37, 1.70, 1.70, 1.59, 1.15, 1.24, 1.53, 1.34, 1.20, 1.27, 1.25,
)  # fmt: skip

#: The same for Saturday and Sunday. RAGPulse.
WEEKEND_BY_HOUR: Final = (
    1.60, 0.57, 0.15, 0.17, 0.17, 0.18, 0.17, 0.42, 0.83, 0.80, 1.66, 1.88,
    1.12, 0.97, 1.14, 1.28, 1.65, 1.42, 1.86, 1.51, 1.29, 1.22, 1.14, 0.80,
)  # fmt: skip

#: Requests of a day of the weekend over those of a weekday. RAGPulse.
WEEKEND_OVER_WEEKDAY: Final = 0.77

#: Coefficient of variation of the slow wandering of the arrivals' rate. Azure, RAGPulse and ServeGen give .21 to .25;
#: the upper end makes an hour at Azure's rate come out nearest to Azure's index of dispersion (below).
MODULATION_CV: Final = 0.25

#: How long the wandering remembers: the time after which its autocorrelation is 1/e (fits: 5 to 15 min).
MODULATION_TAU_S: Final = 600.0

#: Chance that a conversation goes on after its 1st, 2nd … turn; the last holds for all later ones. RAGPulse.
CONTINUE_PROBABILITY: Final = (0.412, 0.416, 0.449, 0.508, 0.603, 0.702)

#: Time between two turns' arrivals: median and sigma of a lognormal. RAGPulse.
GAP_MEDIAN_S: Final = 45.7
GAP_SIGMA: Final = 1.07

#: Arrivals of Azure's conversation trace, whole: 19,366 in 3,501.7 s, and their index of dispersion by window length.
AZURE_RATE_PER_S: Final = 5.53
AZURE_DURATION_S: Final = 3501.7
AZURE_DISPERSION: Final = {1: 1.39, 10: 3.86, 60: 16.1, 300: 56.1}
