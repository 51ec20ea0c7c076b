//! The variables of one part of a shell.

use std::collections::BTreeMap;
use std::rc::Rc;

use crate::limits::VARIABLES_BYTES_MAX;

/// Variables by name. A part of a shell that starts has copies of all of them.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    all: BTreeMap<String, Variable>,
    /// Those of all names and values together, never more than the limit.
    bytes: usize,
}

#[derive(Clone, Debug)]
struct Variable {
    /// Shared with the copies.
    value: Rc<str>,
    is_exported: bool,
}

impl Variables {
    /// Those of a task's environment, which programs see too.
    ///
    /// # Errors
    /// They are more than allowed.
    pub fn new(environment: Vec<(String, String)>) -> Result<Self, String> {
        let mut variables = Self::default();
        for (name, value) in environment {
            variables.set(&name, value)?;
            variables.export(&name);
        }
        Ok(variables)
    }

    /// The value, if there is one.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.all.get(name).map(|variable| &*variable.value)
    }

    /// Gives a variable a value.
    ///
    /// # Errors
    /// They would be more than allowed.
    pub fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let before = self.all.get(name).map_or(0, |variable| name.len() + variable.value.len());
        let bytes = self.bytes - before + name.len() + value.len();
        if bytes > VARIABLES_BYTES_MAX {
            return Err(format!("{VARIABLES_BYTES_MAX} bytes of variables are allowed"));
        }
        self.bytes = bytes;
        let is_exported = self.all.get(name).is_some_and(|variable| variable.is_exported);
        self.all.insert(name.to_owned(), Variable { value: value.into(), is_exported });
        Ok(())
    }

    /// Lets programs see a variable that has a value.
    pub fn export(&mut self, name: &str) {
        if let Some(variable) = self.all.get_mut(name) {
            variable.is_exported = true;
        }
    }

    /// Forgets a variable.
    pub fn unset(&mut self, name: &str) {
        if let Some(variable) = self.all.remove(name) {
            self.bytes -= name.len() + variable.value.len();
        }
    }

    /// What programs see, with some values for one of them only.
    pub fn environment(&self, for_one: &[(String, String)]) -> Vec<(String, String)> {
        let exported = self.all.iter().filter(|(_, variable)| variable.is_exported);
        let mut all: BTreeMap<_, _> =
            exported.map(|(name, variable)| (name.clone(), variable.value.to_string())).collect();
        all.extend(for_one.iter().cloned());
        all.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exported_variables_are_seen_by_programs() {
        let mut variables = Variables::new(vec![("A".to_owned(), "1".to_owned())]).unwrap();
        variables.set("B", "2".to_owned()).unwrap();
        variables.set("A", "3".to_owned()).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(variables.environment(&[pair("C", "4")]), [pair("A", "3"), pair("C", "4")]);
        variables.unset("A");
        assert_eq!(variables.environment(&[]), []);
    }

    #[test]
    fn variables_are_bounded_and_what_is_unset_is_free_again() {
        let mut variables = Variables::default();
        let big = "x".repeat(VARIABLES_BYTES_MAX - 1);
        assert_eq!(variables.set("a", big.clone()), Ok(()));
        assert_eq!(variables.set("a", big.clone()), Ok(()));
        assert!(variables.set("b", String::new()).is_err());
        variables.unset("a");
        assert_eq!(variables.set("b", big), Ok(()));
    }
}
