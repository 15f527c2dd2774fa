"""How the servers are doing, for Prometheus and for whoever watches over processes.

Each worker keeps a ``Tally`` in plain numbers and, with every heartbeat, sends what was added to it
to one more process beside the workers, the ``endpoint``. That one adds all of it up on its
``Board``, which outlives any worker, and answers ``/metrics`` and ``/healthz``, also while a worker
stands still. Only it imports prometheus_client.

What a worker had counted in the half second before it was killed is lost here, never in the
evidence. (prometheus_client's own way for several processes loses nothing, but has each call write
to memory-mapped files, and a worker dies by SIGBUS where their file system is full.)
"""
