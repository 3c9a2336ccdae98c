"""What goes to a job server is of Beam's portable model, so that those of Flink and Spark can run
it, which are not run here."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from pipelines.runners import cluster
from pipelines.staging.store import Store
from pipelines.staging.tasks import Group, Link, as_it_is, group_of, nothing, the_same
from tests.pipelines.runners.test_cluster import LengthWorker, scattered, tasks

# What every runner of the portable model has to offer, and nothing that only some can: no state, no
# timers, no splittable DoFn, no side input, no transform that is a runner's own.
PRIMITIVES = {
    common_urns.primitives.IMPULSE.urn,
    common_urns.primitives.PAR_DO.urn,
    common_urns.primitives.GROUP_BY_KEY.urn,
    common_urns.primitives.FLATTEN.urn,
}


def leaves(pipeline: beam.Pipeline) -> dict[str, beam_runner_api_pb2.PTransform]:
    """Serialize a pipeline, and return its primitive transforms by name, as serialized a second
    time."""
    proto = pipeline.to_runner_api()
    assert not set(proto.requirements), "needs what only some runners have"
    again = beam.Pipeline.from_runner_api(proto, "PortableRunner", PipelineOptions([]))
    found, twice = (
        {
            each.unique_name: each
            for each in given.components.transforms.values()
            # others have no part and do nothing
            if not each.subtransforms and dict(each.inputs) != dict(each.outputs)
        }
        for given in (proto, again.to_runner_api())
    )
    assert found.keys() == twice.keys()
    return twice


@pytest.mark.parametrize("in_graph", [1_000, 2], ids=["tasks in the graph", "tasks in files"])
def test_jobs_are_of_the_portable_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_graph: int
) -> None:
    monkeypatch.setattr(cluster, "TASKS_IN_GRAPH", in_graph)
    monkeypatch.setattr(cluster, "TASKS_IN_FILE", 2)
    worker, other = LengthWorker(Store(str(tmp_path))), LengthWorker(Store(str(tmp_path)))
    other.phase = "others"
    links = [Link(worker, as_it_is, the_same), Link(worker, as_it_is, nothing)]
    options = PipelineOptions([])
    groups, shuffle = beam.Pipeline(options=options), beam.Pipeline(options=options)
    cluster._compose_groups([Group(links, tasks(5)), group_of(other, tasks(3))])(groups)
    rounds = scattered([1, 2, 3], str(tmp_path))._replace(name="dedup-0-exact")
    cluster.compose_shuffle(shuffle, rounds, group_of(worker, tasks(3)))
    for pipeline in (groups, shuffle):
        found = leaves(pipeline)
        assert {each.spec.urn for each in found.values()} <= PRIMITIVES
        for each in found.values():
            if each.spec.urn == common_urns.primitives.PAR_DO.urn:
                payload = beam_runner_api_pb2.ParDoPayload.FromString(each.spec.payload)
                assert not payload.state_specs
                assert not payload.timer_family_specs
                assert not payload.side_inputs
                assert not payload.restriction_coder_id
    steps = {name.partition("/")[0] for name in leaves(groups)}
    assert {"lengths, step 1", "lengths, step 2", "others"} <= steps
    steps = {name.partition("/")[0] for name in leaves(shuffle)}
    assert {"lengths", "dedup-0-exact round 2 function", "dedup-0-exact group 1"} <= steps


def test_a_feature_of_some_runners_only_is_found(tmp_path: Path) -> None:
    pipeline = beam.Pipeline(options=PipelineOptions([]))
    side = beam.pvalue.AsList(pipeline | "side" >> beam.Create([1]))
    _ = pipeline | "main" >> beam.Create([2]) | "with" >> beam.Map(partial(max), side)
    payloads = [
        beam_runner_api_pb2.ParDoPayload.FromString(each.spec.payload)
        for each in leaves(pipeline).values()
        if each.spec.urn == common_urns.primitives.PAR_DO.urn
    ]
    assert any(payload.side_inputs for payload in payloads)
