"""The control plane put together from ports: what the drivers call and the composition root builds."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from warpdrive.application.control.agents import Agents
from warpdrive.application.control.answer_names import AnswerNames
from warpdrive.application.control.as_of import Moments
from warpdrive.application.control.backends import Backends
from warpdrive.application.control.commands import Commands
from warpdrive.application.control.costs import Costs
from warpdrive.application.control.crawls import Crawls
from warpdrive.application.control.doorkeeping import Doorkeeper
from warpdrive.application.control.duplicates import Duplicates
from warpdrive.application.control.growth import Growth
from warpdrive.application.control.ingest import Ingest, NoLine
from warpdrive.application.control.jobs import Jobs
from warpdrive.application.control.leases import Leases
from warpdrive.application.control.names import Names
from warpdrive.application.control.namespaces import Namespaces
from warpdrive.application.control.owners import Owners
from warpdrive.application.control.price_books import PriceBooks
from warpdrive.application.control.quotas import Quotas
from warpdrive.application.control.recommendations import Recommendations
from warpdrive.application.control.simulation import Simulation
from warpdrive.application.control.staleness import Staleness
from warpdrive.application.control.streams import Streams
from warpdrive.application.control.tariffs import Tariffs
from warpdrive.application.control.teams import Teams
from warpdrive.application.control.tenants import Tenants
from warpdrive.application.control.tokens import Random, Tokens
from warpdrive.application.control.usage import Usage
from warpdrive.application.control.users import Users
from warpdrive.application.control.watching import Wait, Watch
from warpdrive.application.ports.agents import AgentRegister
from warpdrive.application.ports.batch_intake import IngestLine
from warpdrive.application.ports.clock import Clock
from warpdrive.application.ports.event_store import EventReader, EventWriter, SnapshotShelf
from warpdrive.application.ports.facts import Facts
from warpdrive.application.ports.read_models import ReadModels
from warpdrive.application.projections.codec import EventCodec


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Every use case, by subject. `watch.run` has to run for as long as anybody watches."""

    namespaces: Namespaces
    tenants: Tenants
    tokens: Tokens
    agents: Agents
    crawls: Crawls
    watch: Watch
    quotas: Quotas
    teams: Teams
    price_books: PriceBooks
    moments: Moments
    usage: Usage
    stale: Staleness
    growth: Growth
    users: Users
    backends: Backends
    leases: Leases
    simulation: Simulation
    jobs: Jobs
    ingest: Ingest
    duplicates: Duplicates
    recommendations: Recommendations
    costs: Costs
    doorkeeper: Doorkeeper


def build_plane(
    *,
    writer: EventWriter,
    reader: EventReader,
    shelf: SnapshotShelf,
    models: ReadModels,
    register: AgentRegister,
    facts: Facts,
    wait: Wait,
    clock: Clock,
    new_id: Callable[[], UUID],
    random: Random,
    line: IngestLine | None = None,
    open_door: bool = False,
) -> ControlPlane:
    """Put the use cases together. `open_door`: everybody is an admin (`auth.mode: none`).

    `line`: to whoever counts batches of access records.
    """
    codec = EventCodec()
    streams = Streams(reader, shelf, codec)
    commands = Commands(writer, streams, shelf, codec)
    names = Names(writer)
    doorkeeper = Doorkeeper(streams, clock, open_door=open_door)
    namespaces = Namespaces(commands, names, streams, models, new_id)
    teams = Teams(commands, names, models, new_id)
    quotas = Quotas(commands, teams, models)
    tenants = Tenants(commands, streams, reader, models)
    moments = Moments(models, facts.usage)
    price_books = PriceBooks(commands, names, models, new_id)
    tariffs = Tariffs(price_books)
    answer_names = AnswerNames(models, teams, facts.usage)
    return ControlPlane(
        namespaces=namespaces,
        tenants=tenants,
        tokens=Tokens(commands, reader, models, doorkeeper, new_id, random),
        agents=Agents(register, names, reader),
        crawls=Crawls(facts.crawls, models),
        watch=Watch(reader, streams, namespaces, quotas, tenants, wait, clock, forget=doorkeeper.forget),
        quotas=quotas,
        teams=teams,
        price_books=price_books,
        moments=moments,
        usage=Usage(answer_names, moments, facts.usage, facts.objects, facts.readers),
        stale=Staleness(answer_names, moments, facts.objects),
        growth=Growth(answer_names, moments, facts.usage),
        users=Users(answer_names, moments, facts.users, facts.readers),
        backends=Backends(models, moments, facts.usage, facts.crawls),
        leases=Leases(facts.leases, Owners(models), quotas, commands, models),
        simulation=Simulation(quotas, moments, facts.usage),
        jobs=Jobs(facts.jobs, moments),
        ingest=Ingest(line or NoLine()),
        duplicates=Duplicates(answer_names, moments, facts.duplicates),
        recommendations=Recommendations(
            commands, answer_names, moments, models, tariffs, facts.usage, facts.duplicates
        ),
        costs=Costs(answer_names, moments, tariffs, facts.usage),
        doorkeeper=doorkeeper,
    )
