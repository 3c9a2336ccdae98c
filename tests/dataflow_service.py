"""A stand-in for the Dataflow service on loopback, which runs what is submitted to it.

It speaks the part of the v1b3 REST interface that Beam's client uses. The staged `pipeline.pb` of a
job is read from the Google Cloud Storage emulator, and run as the service would have a worker run it:
in this process, or in the interpreter of an environment of its own. It proves submission, staging,
polling and what the pipeline does; it does not prove what the real service does.
"""

from __future__ import annotations

import base64
import contextlib
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import fsspec

_ROUTE = re.compile(r"/v1b3/projects/([^/]+)/locations/([^/]+)/jobs(?:/([^/]+))?(/[a-z]+)?$")
_STATES = {5: "JOB_STATE_CANCELLED", 7: "JOB_STATE_DRAINING"}  # of google.dataflow.v1beta3


class DataflowService:
    """Its address, the jobs that it got, and how they are run."""

    def __init__(self, interpreter: str = "") -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.messages: dict[str, list[dict[str, Any]]] = {}
        self.metrics: dict[str, list[dict[str, Any]]] = {}
        self.interpreter = interpreter  # of the workers' environment; empty: this process
        self.workers: dict[str, _Worker] = {}  # by their interpreters
        self.failure = ""  # what the next jobs fail with, before they begin
        self.hold = threading.Event()  # jobs end when it is set
        self.hold.set()
        self.polled = threading.Event()  # somebody waits for a job
        self.address = ""

    def options(self, *more: str) -> list[str]:
        """Return the options that lead Beam's client here, as a user gives them after `--`."""
        own = ("--no_auth", "--sdk_container_image=workers", *more)
        # a name with "localhost" in it makes the client speak REST
        return ["--", f"--dataflow_endpoint={self.address}", *own]

    def run(self, name: str) -> None:
        """Run a job's pipeline, and note its counters and how it ended."""
        try:
            if self.failure:
                raise RuntimeError(self.failure)
            staged = fsspec.filesystem("gs").cat_file(_pipeline_url(self.jobs[name]))
            counters = self._run_apart(staged) if self.interpreter else run_pipeline(staged)
            self.hold.wait()
            self.metrics[name] = [
                {
                    "name": {
                        "origin": "user",
                        "name": counter,
                        "context": {"namespace": namespace, "step": step},
                    },
                    "scalar": value,
                }
                for namespace, counter, step, value in counters
            ]
            state = "JOB_STATE_DONE"
        except Exception as error:  # as the service does, which tells its client by a message
            self.messages[name] = [
                {
                    "id": "1",
                    "time": "2026-01-01T00:00:00Z",
                    "messageImportance": "JOB_MESSAGE_ERROR",
                    "messageText": str(error),
                }
            ]
            state = "JOB_STATE_FAILED"
        if self.jobs[name]["currentState"] == "JOB_STATE_RUNNING":
            self.jobs[name]["currentState"] = state

    def _run_apart(self, staged: bytes) -> list[tuple[str, str, str, int]]:
        if self.interpreter not in self.workers:
            self.workers[self.interpreter] = _Worker(self.interpreter)
        return self.workers[self.interpreter].run(staged)


class _Worker:
    """A process of another interpreter, which knows this file and what its own environment holds; it
    imports Beam once, and runs one pipeline after another until one fails."""

    def __init__(self, interpreter: str) -> None:
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  # as long as the process
        self._process = subprocess.Popen(
            [interpreter, "-P", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd="/",
        )

    def run(self, staged: bytes) -> list[tuple[str, str, str, int]]:
        """Run a staged pipeline; raises RuntimeError with the last line of what a failed one
        printed."""
        into, out = self._process.stdin, self._process.stdout
        assert into
        assert out
        into.write(base64.b64encode(staged) + b"\n")
        into.flush()
        if line := out.readline():
            return [tuple(row) for row in json.loads(line)]
        self._process.wait()
        self._errors.seek(0)
        raise RuntimeError(self._errors.read().decode().strip().splitlines()[-1])

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._errors.close()


def run_pipeline(staged: bytes) -> list[tuple[str, str, str, int]]:
    """Run a staged pipeline as a worker would, and return its counters."""
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.portability import python_urns
    from apache_beam.portability.api import beam_runner_api_pb2
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner

    pipeline = beam_runner_api_pb2.Pipeline.FromString(staged)
    for environment in pipeline.components.environments.values():
        environment.urn, environment.payload = python_urns.EMBEDDED_PYTHON, b""
        del environment.dependencies[:]
    result = FnApiRunner().run_via_runner_api(pipeline, PipelineOptions([]))
    result.wait_until_finish()
    return [
        (key.metric.namespace, key.metric.name, key.step, found.committed)
        for found in result.metrics().query()["counters"]
        for key in (found.key,)
    ]


def _pipeline_url(job: object) -> str:
    """Find the address of the staged pipeline anywhere in a job."""
    if isinstance(job, dict):
        if isinstance(url := job.get("pipelineUrl") or job.get("pipeline_url"), str):
            return url
        job = list(job.values())
    found = map(_pipeline_url, job) if isinstance(job, list) else ()
    return next(filter(None, found), "")


@contextlib.contextmanager
def dataflow_service(interpreter: str = "") -> Iterator[DataflowService]:
    """Serve until the block ends."""
    service = DataflowService(interpreter)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_message: object) -> None:
            """Keep the test's output clean."""

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            status, reply = self._reply(json.loads(body) if body else {})
            content = json.dumps(reply).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = answer  # noqa: N815

        def _reply(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
            match = _ROUTE.match(self.path.split("?")[0])
            if not match:
                return 404, {"error": {"code": 404, "message": f"no route {self.path}"}}
            project, region, name, part = match.groups()
            if self.command == "POST":
                name = f"job-{len(service.jobs)}"
                place = {"id": name, "projectId": project, "location": region}
                job = body | place | {"currentState": "JOB_STATE_RUNNING"}
                service.jobs[name] = dict(job)
                threading.Thread(target=service.run, args=(name,), daemon=True).start()
                return 200, job
            if name not in service.jobs:
                return 404, {"error": {"code": 404, "message": f"no job {name}"}}
            if self.command == "GET":
                service.polled.set()
            if self.command == "PUT":
                asked = body["requestedState"]  # by name, or as Google's client gives it
                service.jobs[name]["currentState"] = _STATES.get(asked, asked)
            if part == "/messages":
                return 200, {"jobMessages": service.messages.get(name, [])}
            if part == "/metrics":
                return 200, {"metrics": service.metrics.get(name, [])}
            return 200, service.jobs[name]

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.address = f"http://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield service
    service.hold.set()
    for worker in service.workers.values():
        worker.end()
    server.shutdown()
    server.server_close()


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # whatever else is printed
    for pipeline in sys.stdin:
        print(json.dumps(run_pipeline(base64.b64decode(pipeline))), file=answers, flush=True)
