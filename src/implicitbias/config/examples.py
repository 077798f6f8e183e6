"""An example of every key of a config, for the reference: a line each, by blocks."""

_TEXTS = {
    "the file": """
        include: [studies/rank.yaml, studies/margins.yaml]
        only: [low_rank, steepest_descent]
        name: mine
        extensions: [my_lab.py]
        execution: {threads: 2, keep_weights: false}
        studies: {my_study: {like: low_rank, training: {epochs: 50}}}
        """,
    "execution": """
        device: cpu
        gpus: true
        longest_minutes: 1440
        largest_mb: 64000
        threads: 2
        rerun_on_upgrade: true
        keep_weights: false
        """,
    "a study": """
        like: low_rank
        theme: rank
        papers: [Frei et al. 2023]
        question: Do wider networks end with lower rank?
        method: Two-layer networks of four widths are trained on the same points.
        task: {source: digits, labels: decimal, train_size: [50, 100], seed: [0, 1, 2]}
        network: {depth: [2, 7], width: 256}
        training: {optimizer: adam, learning_rate: 0.001, loss: logistic, epochs: 50}
        sampling: {draws: 500}
        nngp: {estimators: [bound, mixture]}
        experiment: {name: spectral_bias, rising: [0, 1]}
        ensemble: [seed, learning_rate]
        metrics: [train_error, test_error, stable_rank]
        figures: {rank: {figure: lines, quantities: [stable_rank], hue: width}}
        checks: [networks_fit]
        published: [frei_2023_dimension]
        """,
    "task": """
        source: [digits, mnist]
        labels: [decimal, random]
        train_size: [50, 100, 200]
        centred: true
        balanced: true
        random_share: [0.0, 0.5]
        test_size: 500
        seed: [0, 1, 2]
        """,
    "network": """
        architecture: [mlp, cnn]
        activation: [relu, gelu]
        rows: mean_free_unit
        """,
    "training": """
        optimizer: [nero, adam]
        until_fit: sgd
        learning_rate: [0.01, 1/n]
        decay: 0.98
        step_exponent: 0.5
        schedule: loss_based
        stop: fitted
        epochs: 200
        batch_size: [50, full]
        loss: [norm, logistic]
        targets: [labels, spherised]
        label_scale: [0.1, 1.0]
        init: orthogonal
        init_scale: [0.01, 1.0]
        members: 7
        dtype: float64
        checkpoints: [0, 10, 100]
        """,
    "sampling": """
        draws: 500
        flip: false
        """,
    "nngp": """
        rows: [free, mean_free_unit]
        estimators: [bound, importance, mixture]
        delta: 0.05
        constant: published
        draws: 1000000
        samples: 1024
        posterior: false
        label_scale: [0.1, 1.0]
        ray_samples: 200
        lazy: true
        by_point: true
        """,
    "experiment": """
        name: calibration
        seed: [0, 1, 2]
        """,
    "a figure": """
        figure: lines
        select: {depth: 7, labels: decimal}
        width: 6.5
        height: 3.0
        quantities: [test_error, margin_l2]
        x: step
        hue: optimizer
        style: depth
        log: [x, y]
        """,
}

EXAMPLES: dict[str, dict[str, str]] = {
    block: dict(line.strip().split(": ", 1) for line in text.strip().splitlines()) for block, text in _TEXTS.items()
}
"""The value of every key as it stands in a file, by the titles of the blocks in the reference."""
