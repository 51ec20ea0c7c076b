//! A `Cargo.toml` as what the rules ask of it. It never asks cargo, so nothing is fetched or built.

use toml::{Table, Value};

use crate::house::File;

/// When a dependency is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// With the crate itself.
    Normal,
    /// With its build script.
    Build,
    /// With its tests.
    Dev,
}

/// One line of a table of dependencies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// The name it goes by.
    pub name: String,
    /// When it is built.
    pub kind: Kind,
    /// Where it stands, from 1 on.
    pub line: usize,
    /// Whether all it says of its source is `workspace = true`.
    pub is_inherited: bool,
}

/// One manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// Its path from the root.
    pub path: String,
    /// Its table.
    pub table: Table,
    text: String,
}

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Panics
    /// On a file that is no TOML: cargo says more about it.
    pub fn of(file: &File) -> Self {
        let text = file.text.clone().unwrap_or_default();
        let table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.path));
        Self { path: file.path.clone(), table, text }
    }

    /// The value at the end of these keys, if there is one.
    pub fn at(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.table.get(*first)?, |value, key| value.get(key))
    }

    /// Every dependency, those of single targets included.
    pub fn dependencies(&self) -> Vec<Dependency> {
        let targets = self.table.get("target").and_then(Value::as_table);
        let tables = targets
            .into_iter()
            .flat_map(Table::values)
            .filter_map(Value::as_table)
            .chain([&self.table]);
        tables.flat_map(|table| self.dependencies_in(table)).collect()
    }

    fn dependencies_in(&self, table: &Table) -> Vec<Dependency> {
        let sections = [
            ("dependencies", Kind::Normal),
            ("build-dependencies", Kind::Build),
            ("dev-dependencies", Kind::Dev),
        ];
        let mut found = Vec::new();
        for (section, kind) in sections {
            let entries = table.get(section).and_then(Value::as_table);
            for (name, value) in entries.into_iter().flatten() {
                found.push(Dependency {
                    name: name.clone(),
                    kind,
                    line: self.line_of(name),
                    is_inherited: is_inherited(value),
                });
            }
        }
        found
    }

    /// The line on which a key is set; 1 if it is not set on a line of its own.
    pub fn line_of(&self, key: &str) -> usize {
        let sets_key = |line: &str| {
            let end = line.trim_start().strip_prefix(key);
            end.is_some_and(|rest| rest.starts_with([' ', '.', '=']))
        };
        self.text.lines().position(sets_key).map_or(1, |index| index + 1)
    }
}

fn is_inherited(value: &Value) -> bool {
    let source = ["version", "path", "git", "registry", "package"];
    value.get("workspace") == Some(&Value::Boolean(true))
        && source.iter().all(|key| value.get(key).is_none())
}

#[cfg(test)]
mod tests {
    use crate::house::House;

    #[test]
    fn dependencies_of_every_kind_are_found() {
        let text = "[dependencies]\na.workspace = true\nb = \"1\"\n\
                    [build-dependencies]\nc = { workspace = true, features = [\"x\"] }\n\
                    [target.'cfg(unix)'.dev-dependencies]\nd = { path = \"../d\" }\n";
        let house = House::planted(&[("Cargo.toml", text)]);
        let manifest = house.root_manifest().unwrap();
        let mut found: Vec<_> = manifest
            .dependencies()
            .into_iter()
            .map(|dependency| (dependency.name, dependency.line, dependency.is_inherited))
            .collect();
        found.sort();
        let expected = [("a", 2, true), ("b", 3, false), ("c", 5, true), ("d", 7, false)]
            .map(|(name, line, is_inherited)| (name.to_owned(), line, is_inherited));
        assert_eq!(found, expected);
    }
}
