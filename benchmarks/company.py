"""A company of any size, as a configuration on disk."""

from __future__ import annotations

from pathlib import Path

from callcentre_disclosure.config.announcements import needed
from callcentre_disclosure.config.loader import load
from callcentre_disclosure.config.manifest import ManifestEntry, write_manifest

COUNTRIES = ("MA", "TN", "FR", "MG", "SN", "PT", "RO", "BE")


def company(
    folder: Path, *, agents: int, numbers: int, sites: int = 0, seconds: float = 0.0
) -> Path:
    """Write a configuration with agents in a CSV file and a route for each number; its sounds are
    there, and last so many seconds."""
    folder.mkdir(parents=True)
    sites = sites or max(2, numbers // 10)
    lines = [
        "languages: [fr, en]",
        'numbering: {country_code: "33", trunk_prefix: "0"}',
        "sounds: {folder: sounds}",
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
    config = folder / "config.yaml"
    config.write_text("\n".join(lines) + "\n")
    people = (f"PJSIP/{100_000 + n},site{n % sites},\n" for n in range(agents))
    (folder / "agents.csv").write_text("interface,site,country\n" + "".join(people))
    (folder / "sounds").mkdir()
    write_manifest(
        folder / "sounds",
        {
            sentence.sound_name: ManifestEntry(
                sentence.text, {"wav": "0" * 64}, seconds, -22.0, "none"
            )
            for sentence in needed(load(config))
        },
    )
    return config
