"""Acme's figures as files, and the worker that takes them in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from analytics.datasets.roles import parameters_of
from analytics.datasets.schemas import make_schema
from analytics.importing.taking_in import take_in
from analytics.models import Dataset, DatasetFile
from tests.conftest import Business
from tests.knowledge.conftest import work_off


@dataclass
class Cabinet:
    """One dataset of files, filled as its people would."""

    business: Business
    dataset: Dataset

    def put(self, name: str, data: bytes | str, mode: str = "new") -> DatasetFile:
        """Hand a file in and let the worker wait."""
        upload = SimpleUploadedFile(name, data.encode() if isinstance(data, str) else data)
        with self.business.scope():
            return take_in(self.dataset, [upload], DatasetFile.Mode(mode))[0]

    def keep(self, name: str, data: bytes | str, mode: str = "new") -> DatasetFile:
        """Hand a file in and have it imported; the file as it then is."""
        file = self.put(name, data, mode)
        work_off(self.business)
        return self.fresh(file)

    def fresh(self, file: DatasetFile) -> DatasetFile:
        with self.business.scope():
            file.refresh_from_db()
            self.dataset.refresh_from_db()
        return file

    def fresh_version(self) -> int:
        with self.business.scope():
            self.dataset.refresh_from_db()
        return self.dataset.version

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """What the dataset's own role sees."""
        with self.login() as session:
            return session.execute(sql.encode()).fetchall()

    def login(self) -> "psycopg.Connection[Any]":
        return psycopg.connect(**parameters_of(self.dataset.role_name, self.dataset.password))

    def tables(self) -> dict[str, int | None]:
        with self.business.scope():
            return {table.name: table.row_count for table in self.dataset.tables.all()}

    def types(self, table: str) -> dict[str, str]:
        with self.business.scope():
            columns = self.dataset.tables.get(name=table).columns.all()
            return {column.name: column.type for column in columns}


@pytest.fixture
def open_cabinet() -> Callable[[Business], Cabinet]:
    def open_one(business: Business) -> Cabinet:
        with business.scope():
            dataset = Dataset(name="Sales", kind=Dataset.Kind.FILES)
            make_schema(dataset)
            dataset.save()
        return Cabinet(business, dataset)

    return open_one


@pytest.fixture
def cabinet(acme: Business, open_cabinet: Callable[[Business], Cabinet]) -> Cabinet:
    """Acme's."""
    return open_cabinet(acme)
