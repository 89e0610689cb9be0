"""The English service, made right and spoiled in each way its check knows."""

from _shared import *
