//! What a rule is, and how its findings are told. It never knows any single rule.

use std::fmt;

use crate::house::House;

/// Something a rule refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the root.
    pub file: String,
    /// The line, from 1 on.
    pub line: usize,
    /// What is there.
    pub what: String,
}

impl Finding {
    /// Something in a line of a file.
    pub fn new(file: impl Into<String>, line: usize, what: impl Into<String>) -> Self {
        Self { file: file.into(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

/// A finding that is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exception {
    /// The file, from the root.
    pub file: &'static str,
    /// A part of what the finding says.
    pub what: &'static str,
    /// Why it is right here.
    pub why: &'static str,
}

/// One rule of the house.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Its name: that of its file.
    pub name: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
    /// How to mend what is not.
    pub mend: &'static str,
    /// Findings that are right where they are.
    pub exceptions: &'static [Exception],
    /// Everything in a house that the rule refuses.
    pub find: fn(&House) -> Vec<Finding>,
}

impl Rule {
    /// Wants this house in order, but for the exceptions.
    ///
    /// # Panics
    /// With what is found, what is allowed and how to mend it.
    pub fn hold(&self) {
        let broken = self.broken_by(House::here());
        assert!(
            broken.is_empty(),
            "\nrule `{}`: {} found\n  {}\nallowed: {}\nto mend: {}\n",
            self.name,
            broken.len(),
            broken.join("\n  "),
            self.allowed,
            self.mend
        );
    }

    /// The findings that are no exceptions, and the exceptions that match no finding.
    pub fn broken_by(&self, house: &House) -> Vec<String> {
        let findings = (self.find)(house);
        let excepts = |exception: &Exception, finding: &Finding| {
            exception.file == finding.file && finding.what.contains(exception.what)
        };
        let refused = findings
            .iter()
            .filter(|finding| !self.exceptions.iter().any(|exception| excepts(exception, finding)))
            .map(Finding::to_string);
        let stale = self
            .exceptions
            .iter()
            .filter(|exception| !findings.iter().any(|finding| excepts(exception, finding)))
            .map(|exception| {
                format!(
                    "tests/tidy/src/rules/{}.rs: the exception for `{}` in {} matches nothing any \
                     more: remove it",
                    self.name, exception.what, exception.file
                )
            });
        refused.chain(stale).collect()
    }

    /// `file:line` of everything the rule finds in planted files.
    pub fn found_in(&self, files: &[(&str, &str)]) -> Vec<String> {
        (self.find)(&House::planted(files))
            .iter()
            .map(|finding| format!("{}:{}", finding.file, finding.line))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXCEPTION: Exception = Exception { file: "a", what: "bad", why: "a test" };

    fn rule(exceptions: &'static [Exception]) -> Rule {
        Rule {
            name: "words",
            allowed: "good words",
            mend: "say it well",
            exceptions,
            find: |house| {
                let bad = house.files().iter().filter(|file| file.text.as_deref() == Some("bad"));
                bad.map(|file| Finding::new(&file.path, 1, "a bad word")).collect()
            },
        }
    }

    #[test]
    fn exception_hides_its_finding_and_no_other() {
        let house = House::planted(&[("a", "bad"), ("b", "bad")]);
        assert_eq!(rule(&[EXCEPTION]).broken_by(&house), ["b:1: a bad word"]);
    }

    #[test]
    fn exception_that_matches_nothing_is_broken() {
        let house = House::planted(&[("a", "good")]);
        assert!(rule(&[]).broken_by(&house).is_empty());
        let broken = rule(&[EXCEPTION]).broken_by(&house);
        assert!(broken[0].contains("matches nothing any more"), "{broken:?}");
    }
}
