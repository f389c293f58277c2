"""The baselines of Affect-DML (arXiv 2111.15271), trained and embedded.

    from oneshot_emotic_baselines.data import base_split, load_person_data
    from oneshot_emotic_baselines.embed import embed_task
    from oneshot_emotic_baselines.settings import Settings
    from oneshot_emotic_baselines.train import train
    from oneshot_emotic import evaluate, load_task

    task = load_task("cat-6-6")
    data = load_person_data("STAND_IN")       # after `oneshot-emotic prepare STAND_IN`
    run = train(Settings("sem-ib-dml", "cat-6-6"), base_split(task), data, "runs/a")
    evaluate(embed_task(run.checkpoint, task, data), task)

`recipes` and `settings` need no torch; the rest needs
`pip install 'oneshot-emotic[baselines]'`.
"""
