"""The journey of one call, written once and free of I/O.

Read the modules in the order of the call::

    call          CallFacts: what is known of the call
    route         Route: how calls to its number are treated
    profile       Profile, Duty: what a rule asks for, and what it asks of this call
    sites         SiteResolution, DisclosedCountries: who may answer, and where that is
    hours         which sites are open at that moment
    grammar       the countries in a sentence
    announcement  AnnouncementPlan: what is played
    directory     Directory: what a call looks up
    resolution    from the facts to route, profile, language and sites
    decision      Decision: all of the above for one call
    commands      what a door is asked to do, and reports
    telling       telling the caller, and what the failure policy has to say instead
    session       the conversation: commands out, reports in
    outcome       what the reports prove, and what happens to the call
    record        LedgerRecord: the evidence

Nothing in here opens a file or a socket, reads a clock or writes a log: what a call needs is
passed in, what it wants done is handed out.
"""
