"""What agents/edge relies on in Faust 0.15.3 and aiokafka 0.14 that neither promises. After an upgrade, start here: a failure says what
changed and what leans on it.
"""

from __future__ import annotations

import inspect
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

import aiokafka
import faust
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.consumer import consumer as aiokafka_consumer
from aiokafka.consumer import fetcher, group_coordinator
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.record import default_records, memory_records
from faust.app import base as faust_app
from faust.tables import recovery
from faust.transport import _cython, conductor, drivers
from faust.transport import consumer as base
from faust.transport.drivers import aiokafka as driver
from mode import Service, threads

from agents.edge import app, client, fetching, membership, transport

FAUST, AIOKAFKA = "0.15.3", "0.14."


def function(what: Any) -> Any:
    return getattr(what, "fun", what)  # `fun`: of a task of Faust's services


def named(what: Any) -> str:
    name: str = function(what).__qualname__
    return name


def source(what: Any) -> str:
    """Its code on one line, so that a line break more or less does not matter."""
    return " ".join(inspect.getsource(function(what)).split())


def parameters(what: Any) -> list[str]:
    return list(inspect.signature(what).parameters)


def test_the_versions_are_those_that_were_read() -> None:
    assert version("faust-streaming") == FAUST, "Faust changed: read its transport again, then set FAUST here"
    assert version("aiokafka").startswith(AIOKAFKA), "aiokafka changed: read its fetcher again, then set AIOKAFKA here"


OVERRIDDEN = {
    driver.Consumer: {
        "_new_consumer_thread": ["self"],
        "ack": ["self", "message"],
        "_new_offset": ["self", "tp"],
        "_should_commit": ["self", "tp", "offset"],
        "_add_gap": ["self", "tp", "offset_from", "offset_to"],
        "_commit_offsets": ["self", "offsets", "start_new_transaction"],
        "perform_seek": ["self"],
        "on_partitions_revoked": ["self", "revoked"],
        "on_partitions_assigned": ["self", "assigned", "generation_id"],
        "resume_flow": ["self"],
        "on_buffer_drop": ["self", "tp"],
        "_wait_next_records": ["self", "timeout"],
        "getmany": ["self", "timeout"],
        "_drain_messages": ["self", "fetcher"],
        "verify_event_path": ["self", "now", "tp"],
    },
    driver.AIOKafkaConsumerThread: {
        "start": ["self"],
        "stop": ["self"],
        "call_thread": ["self", "fun", "args", "kwargs"],
        "_create_worker_consumer": ["self", "transport"],
        "seek_to_committed": ["self"],
    },
    fetcher.Fetcher: {"_proc_fetch_request": ["self", "assignment", "node_id", "request"]},
    group_coordinator.GroupCoordinator: {
        "reset_generation": ["self"],
        "ensure_active_group": ["self", "subscription", "prev_assignment"],
        "_send_req": ["self", "request"],
        "ensure_coordinator_known": ["self"],
        "_perform_assignment": ["self", "response"],
    },
    faust.App: {"_consumer_wait_empty": ["self", "consumer", "logger"]},
    faust.Schema: {"loads_value": ["self", "app", "message", "loads", "serializer"]},
    fetcher.PartitionRecords: {"__next__": ["self"], "_unpack_records": ["self"]},
    default_records._DefaultRecordBatchPy: {"_maybe_uncompress": ["self"], "validate_crc": ["self"]},
    memory_records._MemoryRecordsPy: {"next_batch": ["self", "_min_slice", "_magic_offset"]},
}


@pytest.mark.parametrize(("owner", "name"), [(owner, name) for owner, names in OVERRIDDEN.items() for name in names])
def test_what_is_overridden_is_still_there(owner: type, name: str) -> None:
    method = getattr(owner, name, None)
    assert method is not None, f"{owner.__name__}.{name} is gone: what agents/edge overrides under this name is never called"
    assert parameters(method) == OVERRIDDEN[owner][name], (
        f"{owner.__name__}.{name} takes other arguments: change the override in agents/edge"
    )


def test_everything_that_the_transport_overrides_is_listed() -> None:
    for ours in (transport.Consumer, client.Client, fetching.Fetcher, membership.Coordinator, app.App):
        above = next(each for each in ours.__mro__[1:] if each in OVERRIDDEN)
        overridden = {
            name for name in vars(ours) if not name.startswith("__") and inspect.isfunction(vars(ours)[name]) and hasattr(above, name)
        }
        assert overridden == OVERRIDDEN[above].keys(), f"{ours.__name__} overrides something that no contract below speaks of"


CALLED = [
    (base.Consumer.force_commit, "self._filter_tps_with_pending_acks(", "commits only what it finds"),
    (
        base.Consumer._filter_tps_with_pending_acks,
        "for tp in self._acked",
        "ack() makes a partition a key of _acked so that it is committed",
    ),
    (base.Consumer._filter_committable_offsets, "offset = self._new_offset(tp)", "_new_offset is the first offset in flight"),
    (base.Consumer._filter_committable_offsets, "self._should_commit(tp, offset)", "_should_commit refuses what is committed"),
    (base.Consumer._commit_tps, "self._commit_offsets(", "_commit_offsets notes when the last commit was"),
    (base.Consumer._commit_offsets, "self._committed_offset.update(committable_offsets)", "_should_commit and lag compare with it"),
    (base.Consumer.perform_seek, "await self.seek_to_committed()", "after a seek everything in flight is read again"),
    (base.Consumer.perform_seek, "self._committed_offset.update(", "where nothing is committed, nothing can be missed"),
    (base.Consumer.on_partitions_revoked, "self._committed_offset.pop(tp, None)", "a partition that comes back has no old offset"),
    (base.Consumer.on_stop, "if self.app.conf.stream_wait_empty", "stream_wait_empty=False ends a worker without waiting for chunks"),
    (
        faust_app.App._stop_consumer,
        "await self._stop_fetcher() await self._consumer_wait_empty(consumer, self.log)",
        "what is in hand is finished when nothing more is read",
    ),
    (faust_app.App.on_stop, "await self._stop_consumer()", "SIGTERM finishes what is in hand"),
    (Service.stop, "await self.on_stop()", "an app finishes what is in hand before its consumer and its tasks stop"),
    (base.Consumer._commit_handler, "interval = self.commit_interval", "broker_commit_interval is a setting of ours"),
    (base.Fetcher._fetcher, "consumer._drain_messages(self)", "_drain_messages delivers the chunks"),
    (base.ThreadDelegateConsumer.__init__, "self._thread = self._new_consumer_thread()", "_new_consumer_thread makes our client"),
    (threads.ServiceThread.__init__, "self._close_thread_loop_on_stop = thread_loop is None", "a loop that is given may be the app's own"),
    (threads.ServiceThread._start_thread, "self.thread_loop.run_until_complete(self._serve())", "start does what its thread does"),
    (threads.ServiceThread._serve, "await self._default_start()", "start does what its thread does"),
    (
        threads.ServiceThread._serve,
        "finally: await self._shutdown_thread() await self._gather_remaining_tasks()",
        "stop does the first; the second is Faust's for the app's loop",
    ),
    (driver.AIOKafkaConsumerThread.on_thread_stop, "await self._consumer.stop()", "stop leaves the group through it"),
    (driver.AIOKafkaConsumerThread.getmany, "return await self.call_thread(", "call_thread calls it here"),
    (driver.AIOKafkaConsumerThread.commit, "return await self.call_thread(self._commit, offsets)", "call_thread calls it here"),
    (
        driver.ConsumerRebalanceListener.on_partitions_assigned,
        "self._thread.on_partitions_assigned(",
        "owners are opened there, before their records come",
    ),
    (
        base.ConsumerThread.on_partitions_assigned,
        "self.consumer.threadsafe_partitions_assigned(",
        "owners are opened on the event loop",
    ),
    (base.ThreadDelegateConsumer._getmany, "self._thread.getmany(active_partitions, timeout)", "getmany reads through it"),
    (driver.AIOKafkaConsumerThread._create_consumer, "self._create_worker_consumer(transport)", "fetch settings are put in there"),
    (driver.AIOKafkaConsumerThread._create_worker_consumer, "fetch_max_wait_ms=1500", "it is hard-coded: if no longer, set it properly"),
    (driver.AIOKafkaConsumerThread._fetch_records, "fetcher.fetched_records(", "chunks are what one fetch gave"),
    (driver.ConsumerRebalanceListener.on_partitions_assigned, "app.consumer_generation_id = generation", "Pulse.joined looks at it"),
    (recovery.Recovery._resume_streams, "consumer.perform_seek()", "each assignment seeks, which starts a new epoch"),
    (
        recovery.Recovery._restart_recovery,
        "except IllegalStateError",
        "a seek may meet partitions that are gone; the next assignment seeks",
    ),
    (base.ThreadDelegateConsumer.seek_to_committed, "self._thread.seek_to_committed()", "it seeks where nothing is committed, too"),
    (
        base.Consumer.verify_all_partitions_active,
        "self.verify_event_path(now, tp)",
        "the override keeps Faust's false alarms out of the log",
    ),
    (group_coordinator.GroupCoordinator._do_heartbeat, "await self._send_req(request)", "each heartbeat's answer is counted there"),
    (
        group_coordinator.GroupCoordinator._do_fetch_commit_offsets,
        "response = await self._send_req(request) offsets = {} for topic, topic_partitions in response.topics:",
        "what the broker refuses as a whole is raised there, and nowhere else",
    ),
    (
        group_coordinator.GroupCoordinator.fetch_committed_offsets,
        "if not err.retriable: raise",
        "what a new coordinator refuses is asked again",
    ),
    (recovery.Recovery._resume_streams, "timeout=self.app.conf.broker_request_timeout", "a seek must be done or given up before"),
    (
        group_coordinator.GroupCoordinator._perform_assignment,
        "assignor.assign(self._cluster, member_metadata)",
        "membership waits until the cluster's topics are known there",
    ),
    *(
        (caller, "self.reset_generation()", "membership counts there how often the group forgot this member")
        for caller in (group_coordinator.GroupCoordinator._do_heartbeat, group_coordinator.GroupCoordinator._do_commit_offsets)
    ),
    (
        group_coordinator.GroupCoordinator.__init__,
        "self._closing = create_future()",
        "a member that leaves by itself is told by it",
    ),
    (conductor.Conductor._update_tp_index, "self._tp_index", "a full stream is found by it"),
    (faust_app.App._new_consumer, "self.transport.create_consumer(", "our Transport makes our Consumer"),
    (conductor.ConductorCompiler.build, "consumer_on_buffer_drop(tp)", "a partition that was held back is read at once"),
    (recovery.Recovery._resume_streams, "consumer.resume_flow()", "what came at an assignment is read at once"),
    (recovery.Recovery.on_recovery_completed, "consumer.resume_flow()", "what came at an assignment is read at once"),
]


@pytest.mark.parametrize(("caller", "call", "reason"), CALLED, ids=[f"{named(caller)}-{call}" for caller, call, _ in CALLED])
def test_what_is_relied_on_is_still_called(caller: Any, call: str, reason: str) -> None:
    assert call in source(caller), f"Faust changed {named(caller)}: no `{call}`; agents/edge relies on it, because {reason}"


ATTRIBUTES = [
    (base.Consumer.__init__, name)
    for name in ("self._acked ", "self._read_offset ", "self._committed_offset ", "self._unacked_messages ", "self._waiting_for_ack ",
                 "self._buffered_partitions ", "self.can_resume_flow ", "self.suspend_flow ", "self.callback ", "self.app ")
] + [(base.Consumer._reset_state, "self.flow_active "), (base.Consumer.stop_flow, "self.suspend_flow.set()")]  # fmt: skip


@pytest.mark.parametrize(("owner", "text"), ATTRIBUTES, ids=[text for _, text in ATTRIBUTES])
def test_attributes_that_the_consumer_uses_are_still_kept(owner: Any, text: str) -> None:
    assert text in source(owner), f"Faust's {owner.__qualname__} no longer has `{text.strip()}`, which transport.Consumer reads or writes"


@pytest.mark.parametrize("name", ["_to_message", "_get_active_partitions", "highwater", "earliest_offsets", "assignment", "wait_first"])
def test_helpers_that_the_consumer_calls_are_still_there(name: str) -> None:
    assert callable(getattr(driver.Consumer, name, None)), f"Faust's Consumer.{name} is gone; transport.Consumer calls it"


def test_aiokafka_hands_the_fetch_wait_on() -> None:
    started = source(aiokafka_consumer.AIOKafkaConsumer.start)
    assert "fetch_max_wait_ms=self._fetch_max_wait_ms" in started, "aiokafka's consumer no longer hands its _fetch_max_wait_ms on at start"


def test_aiokafka_asks_a_broker_for_more_only_when_its_last_fetch_is_done() -> None:
    assert "self._fetcher = Fetcher( self._client," in source(aiokafka_consumer.AIOKafkaConsumer.start), (
        "our Fetcher is not used, or not told"
    )
    routine = source(fetcher.Fetcher._fetch_requests_routine)
    assert "self._proc_fetch_request(assignment, node_id, request), node_id=node_id" in routine, "our pause is not part of a fetch"
    assert "self._in_flight.add(node_id)" in routine, "a pause would hold nothing back"
    assert "node_id in self._in_flight" in source(fetcher.Fetcher._get_actions_per_node), "a pause would hold nothing back"
    assert "for waiter in self._fetch_waiters: # we added some" in routine, "records are handed over otherwise: do so in our Fetcher"


def test_the_compiled_conductor_tells_the_consumer_that_pressure_dropped() -> None:
    """It is what runs; its source is installed beside it."""
    code = Path(_cython.__file__).with_name("conductor.pyx").read_text(encoding="utf-8")
    assert "self.consumer_on_buffer_drop = self.app.consumer.on_buffer_drop" in code
    assert "self.consumer_on_buffer_drop(self.tp)" in code


def test_a_look_for_records_asks_at_each_wake_which_partitions_are_wanted() -> None:
    look = source(fetcher.Fetcher.fetched_records)
    before, asked, _ = look.partition("if partitions and tp not in partitions:")
    assert asked, "transport.Wanted is asked in another way"
    assert "while True:" in before, "a wake does not ask again"
    assert "waiter = self._create_fetch_waiter()" in look, "Fetcher.wake ends no wait"


def test_aiokafka_shares_partitions_out_and_reads_committed_as_it_is_told_before_its_start() -> None:
    started = source(aiokafka_consumer.AIOKafkaConsumer.start)
    assert "isolation_level=self._isolation_level" in started, "cases would read what its transactions took back"
    assert "assignors=self._partition_assignment_strategy" in started, "cases would share a partition number with another worker"
    assert RangePartitionAssignor.name == "range"


def test_aiokafka_tells_where_it_reads_next() -> None:
    """With the offsets of transaction marks left out: client.next_fetch looks there."""
    assert "self._subscription.subscription.assignment" in source(aiokafka.AIOKafkaConsumer.position)
    assert "assignment.state_value(partition)" in source(aiokafka.AIOKafkaConsumer.position)
    assert "tp_state.has_valid_position" in source(aiokafka.AIOKafkaConsumer.position)
    assert "state.consumed_to(self._partition_records.next_fetch_offset)" in source(fetcher.FetchResult._update_position)


def test_aiokafka_tells_when_a_partition_was_heard_of() -> None:
    """client.heard looks there."""
    answered = source(fetcher.Fetcher._proc_fetch_request)
    assert "if error_type is Errors.NoError:" in answered.partition("tp_state.timestamp = now_ms")[0]
    assert "tp_state.timestamp = now_ms" in answered
    assert "if tp in self._records: # We have data still not consumed" in source(fetcher.Fetcher._get_actions_per_node)


def test_aiokafka_keeps_what_ended_its_tasks() -> None:
    """client.fault looks there: nothing that Faust calls does."""
    check = source(group_coordinator.GroupCoordinator.check_errors)
    assert "if self._coordination_task.done():" in check
    assert "if self._pending_exception is not None:" in check
    assert "self._pending_exception = exc" in source(group_coordinator.GroupCoordinator._push_error_to_user)
    assert "self._fetch_task = create_task(self._fetch_requests_routine())" in source(fetcher.Fetcher.__init__)
    stopping = source(aiokafka_consumer.AIOKafkaConsumer.stop)
    assert stopping.index("self._closed = True") < stopping.index("self._coordinator.close()"), "an end that was asked for is no fault"
    assert "check_errors" not in source(driver.AIOKafkaConsumerThread)


def test_aiokafka_says_what_lies_outside_the_log() -> None:
    """bounds.py decides what then; told `earliest`, aiokafka would decide by itself."""
    answered = source(fetcher.Fetcher._proc_fetch_request)
    assert "if self._default_reset_strategy != OffsetResetStrategy.NONE:" in answered
    assert "err = Errors.OffsetOutOfRangeError({tp: fetch_offset})" in answered
    assert fetcher.OffsetResetStrategy.from_str("none") == fetcher.OffsetResetStrategy.NONE
    assert "Errors.NoOffsetForPartitionError(tp)" in source(fetcher.Fetcher._update_fetch_positions)
    assert "res_or_error.check_raise()" in source(fetcher.Fetcher.fetched_records)
    assert callable(getattr(driver.AIOKafkaConsumerThread, "seek_wait", None)), "Bounded calls it"


def test_aiokafka_makes_records_with_the_names_that_fetched_replaces() -> None:
    code = source(fetcher.Fetcher._proc_fetch_request)
    assert "MemoryRecords(part_data[-1])" in code, "aiokafka makes MemoryRecords elsewhere: fetched.install() replaces nothing"
    assert "PartitionRecords(" in code, "aiokafka makes PartitionRecords elsewhere: fetched.install() replaces nothing"
    unpacked = source(fetcher.PartitionRecords._unpack_records)
    assert "records = self._records" in unpacked, "fetched.PartitionRecords puts other records there and starts again"
    assert "record.offset < self.next_fetch_offset" in unpacked, "fetched.PartitionRecords relies on it to skip what was read"
    for name in ("_buffer", "_pos", "_num_records", "_decompressed"):
        assert f"self.{name} " in source(default_records._DefaultRecordBatchPy.__init__).replace(":", " "), f"fetched reads {name}"


def test_aiokafka_knows_what_is_asked_of_it() -> None:
    assert "assert self._subscription.is_assigned(partition)" in source(aiokafka.AIOKafkaConsumer.highwater), "Consumer._end catches it"
    assert "self._coordinator = GroupCoordinator(" in source(aiokafka.AIOKafkaConsumer.start), "Client.answers looks there"
    assert callable(getattr(aiokafka.AIOKafkaConsumer, "subscription", None)), "Client.missing_topics calls it"
    assert "return asyncio.shield(self._md_update_fut)" in source(AIOKafkaClient.force_metadata_update), "it says whether brokers answered"
    assert "self._cluster = client.cluster" in source(group_coordinator.BaseCoordinator.__init__)
    fields = list(aiokafka.ConsumerRecord.__dataclass_fields__)
    assert fields[:3] == ["topic", "partition", "offset"]
    assert {"timestamp", "key", "value", "headers"} <= set(fields), "chunks, dead letters and Work read these"


def test_the_scheme_leads_to_our_consumer() -> None:
    made = drivers.TRANSPORTS.by_name(transport.SCHEME)
    assert made is transport.Transport, "Faust finds transports otherwise: sluice:// would not be ours"
    assert made.Consumer is transport.Consumer
    assert "self.Consumer(" in source(made.create_consumer), "Faust's Transport no longer makes its `Consumer`"


@pytest.mark.parametrize(
    ("module", "name"),
    [(drivers.TRANSPORTS, "aliases"), (base, "ack_lock"), (conductor.Conductor, "_update_tp_index"), (faust.App, "on_partitions_assigned")],
    ids=str,
)
def test_other_names(module: ModuleType, name: str) -> None:
    assert hasattr(module, name), f"{module}.{name} is gone"


SETTINGS = (
    "broker_credentials", "web_enabled", "topic_allow_declare", "topic_disable_leader", "consumer_auto_offset_reset",
    "consumer_group_instance_id", "stream_buffer_maxsize", "stream_wait_empty", "broker_commit_interval", "broker_session_timeout",
    "broker_heartbeat_interval", "broker_request_timeout", "broker_max_poll_interval", "consumer_metadata_max_age_ms",
    "producer_request_timeout",
)  # fmt: skip


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_that_matters_for_delivery_is_still_one(name: str) -> None:
    assert name in faust.Settings.SETTINGS, f"Faust no longer knows the setting {name}, and takes unknown ones without a word"


def test_the_worker_takes_the_options_given() -> None:
    names = set(parameters(faust.Worker.__init__)) | set(parameters(faust.Worker.__mro__[1].__init__))
    assert {"loglevel", "redirect_stdouts", "quiet", "override_logging"} <= names, (
        "Faust's Worker takes other options: process.run passes these"
    )
    assert "execute_from_commandline" in dir(faust.Worker)
