from implicitbias.config.layout import dataset, log_of, picture, report_page, root


def test_points_are_shared_and_the_rest_is_in_the_configs_folder() -> None:
    assert dataset("tasks/a") == "results/tasks/a.nc"
    assert log_of("tasks/a") == "results/logs/tasks/a.log"
    assert dataset("studies/one", "mine") == "results/mine/studies/one.nc"
    assert log_of("studies/one", "mine") == "results/mine/logs/studies/one.log"
    assert picture("one/bounds", "png", "mine") == "results/mine/figures/one/bounds.png"
    assert (report_page(), report_page("mine")) == ("results/report.html", "results/mine/report.html")
    assert (root(), root("mine")) == ("results", "results/mine")


def test_wildcards_stay() -> None:
    assert picture("{study}/{figure}", "pdf") == "results/figures/{study}/{figure}.pdf"
