"""A company of any size, as a configuration on disk."""

from __future__ import annotations

from pathlib import Path

COUNTRIES = ("MA", "TN", "FR", "MG", "SN", "PT", "RO", "BE")


def company(folder: Path, *, agents: int, numbers: int) -> Path:
    """Write a configuration with agents in a CSV file and a route for each number."""
    folder.mkdir(parents=True)
    sites = max(2, numbers // 10)
    lines = [
        "languages: [fr, en]",
        'numbering: {country_code: "33", trunk_prefix: "0"}',
        "evidence: {file: evidence.sqlite}",
        "agent_files: [agents.csv]",
        "sites:",
        *(
            f"  site{n}: {{country: {COUNTRIES[n % len(COUNTRIES)]}, "
            f'timezone: Africa/Casablanca, hours: ["mon-sun 00:00-24:00"]}}'
            for n in range(sites)
        ),
        "queues:",
        *(f"  queue{n}: {{sites: [site{n}, site{(n + 1) % sites}]}}" for n in range(sites)),
        "routes:",
        *(
            f'  route{n}: {{numbers: ["+331{n:08}"], queue: queue{n % sites}}}'
            for n in range(numbers)
        ),
    ]
    (folder / "config.yaml").write_text("\n".join(lines) + "\n")
    people = (f"PJSIP/{100_000 + n},site{n % sites},\n" for n in range(agents))
    (folder / "agents.csv").write_text("interface,site,country\n" + "".join(people))
    return folder / "config.yaml"
