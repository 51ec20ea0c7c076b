//! A shell line as steps with jumps, so that running it needs a place to go on from and no
//! recursion. It decides what follows what, and expands and runs nothing.

use std::rc::Rc;

use crate::cursor::SyntaxError;
use crate::syntax::{
    AndOr, Command, Compound, Connective, List, Pipeline, Redirect, Script, Simple, Word,
};

/// A place among the steps.
pub type Place = usize;

/// What a shell does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Expands a simple command and runs it.
    Run(Rc<Simple>),
    /// Goes on elsewhere.
    Jump(Place),
    /// Goes on elsewhere if the status is 0.
    JumpIfOk(Place),
    /// Goes on elsewhere if the status is not 0.
    JumpIfFailed(Place),
    /// Turns the status round.
    Negate,
    /// Ends this part of the shell if the status is not 0 and `set -e` is on.
    CheckFailure,
    /// Makes the status 0.
    Succeed,
    /// Starts the parts at these places at the same time, with pipes between them, and waits.
    Pipeline(Vec<Place>),
    /// Starts the part at this place and waits.
    Subshell(Place),
    /// Enters a scope with these redirections, or goes on elsewhere if they cannot be made.
    Redirect(Rc<Vec<Redirect>>, Place),
    /// Enters a loop over these words.
    For(Rc<Vec<Word>>),
    /// Gives the variable the next value, or goes on elsewhere if there is none.
    Next(String, Place),
    /// Enters a loop with a condition.
    While,
    /// Notes the status as that of the loop, and goes on elsewhere.
    Round(Place),
    /// Enters a scope that compares this word.
    Case(Rc<Word>),
    /// Goes on elsewhere if no pattern fits.
    Compare(Rc<Vec<Word>>, Place),
    /// Makes the status of the loop 0: it was broken off.
    Break,
    /// Leaves the innermost scope. Leaving a loop makes its status that of the shell.
    Leave,
    /// Ends this part of the shell.
    End,
}

/// The steps of a line. A part of a shell starts at a place and ends at an `End`.
#[derive(Debug, Default)]
pub struct Steps {
    /// All of them; the line itself starts at the first.
    pub steps: Vec<Step>,
    /// Where each command substitution starts.
    pub substitutions: Vec<Place>,
    /// The texts of here-documents.
    pub documents: Vec<Word>,
}

impl Steps {
    /// Where a strand goes that ends: the end of the last part, which is as good as any.
    pub fn last(&self) -> Place {
        self.steps.len() - 1
    }
}

/// What encloses the step that is made, within one part of a shell.
enum Scope {
    /// A loop: where its next round starts, and the jumps to its end that must be filled in.
    Loop(Place, Vec<Place>),
    /// Redirections or a `case`.
    Other,
}

struct Lowering {
    steps: Vec<Step>,
    scopes: Vec<Scope>,
}

/// Makes the steps of a line.
///
/// # Errors
/// A `break` or `continue` that is in no loop.
pub fn lower(script: Script) -> Result<Steps, SyntaxError> {
    let mut lowering = Lowering { steps: Vec::new(), scopes: Vec::new() };
    lowering.part(|inner| inner.list(&script.list, true))?;
    let mut substitutions = Vec::new();
    for body in &script.substitutions {
        substitutions.push(lowering.part(|inner| inner.list(body, true))?);
    }
    Ok(Steps { steps: lowering.steps, substitutions, documents: script.documents })
}

/// `checked` says whether a command that fails here counts for `set -e`.
impl Lowering {
    fn here(&self) -> Place {
        self.steps.len()
    }

    fn push(&mut self, step: Step) -> Place {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// Makes the jump at this place lead here.
    fn land(&mut self, from: Place) {
        let here = self.here();
        match &mut self.steps[from] {
            Step::Jump(to)
            | Step::JumpIfOk(to)
            | Step::JumpIfFailed(to)
            | Step::Next(_, to)
            | Step::Redirect(_, to)
            | Step::Compare(_, to) => *to = here,
            step => unreachable!("only what jumps is filled in, not {step:?}"),
        }
    }

    /// Makes a part with scopes of its own; answers where it starts.
    fn part(
        &mut self,
        body: impl FnOnce(&mut Self) -> Result<(), SyntaxError>,
    ) -> Result<Place, SyntaxError> {
        let start = self.here();
        let scopes = std::mem::take(&mut self.scopes);
        body(self)?;
        self.scopes = scopes;
        self.push(Step::End);
        Ok(start)
    }

    fn list(&mut self, list: &List, checked: bool) -> Result<(), SyntaxError> {
        list.0.iter().try_for_each(|and_or| self.and_or(and_or, checked))
    }

    fn and_or(&mut self, and_or: &AndOr, checked: bool) -> Result<(), SyntaxError> {
        self.pipeline(&and_or.first, checked && and_or.rest.is_empty())?;
        for (index, (connective, pipeline)) in and_or.rest.iter().enumerate() {
            let over = self.push(match connective {
                Connective::And => Step::JumpIfFailed(0),
                Connective::Or => Step::JumpIfOk(0),
            });
            let is_last = index + 1 == and_or.rest.len();
            self.pipeline(pipeline, checked && is_last)?;
            self.land(over);
        }
        Ok(())
    }

    fn pipeline(&mut self, pipeline: &Pipeline, checked: bool) -> Result<(), SyntaxError> {
        let checked = checked && !pipeline.negated;
        match pipeline.commands.as_slice() {
            [command] => self.command(command, checked)?,
            commands => {
                let over = self.push(Step::Jump(0));
                let mut places = Vec::new();
                for command in commands {
                    places.push(self.part(|inner| inner.command(command, checked))?);
                }
                self.land(over);
                self.push(Step::Pipeline(places));
            }
        }
        if pipeline.negated {
            self.push(Step::Negate);
        } else if checked {
            self.push(Step::CheckFailure);
        }
        Ok(())
    }

    fn command(&mut self, command: &Command, checked: bool) -> Result<(), SyntaxError> {
        match command {
            Command::Simple(simple) => self.simple(simple),
            Command::Compound(compound, redirects) if redirects.is_empty() => {
                self.compound(compound, checked)
            }
            Command::Compound(compound, redirects) => {
                let over = self.push(Step::Redirect(Rc::new(redirects.clone()), 0));
                self.scopes.push(Scope::Other);
                self.compound(compound, checked)?;
                self.scopes.pop();
                self.push(Step::Leave);
                self.land(over);
                Ok(())
            }
        }
    }

    fn simple(&mut self, simple: &Simple) -> Result<(), SyntaxError> {
        let name = simple.words.first().and_then(Word::plain);
        let Some(name @ ("break" | "continue")) = name else {
            self.push(Step::Run(Rc::new(simple.clone())));
            return Ok(());
        };
        let refuse = |message: String| Err(SyntaxError { at: simple.at, message });
        let levels = match simple.words.get(1).map(|word| word.plain().unwrap_or("")) {
            None => 1,
            Some(text) => match text.parse::<usize>() {
                Ok(levels @ 1..) => levels,
                _ => return refuse(format!("{name} takes the number of loops, from 1 on")),
            },
        };
        let loops = self.scopes.iter().enumerate().rev();
        let mut loops = loops.filter(|(_, scope)| matches!(scope, Scope::Loop(..)));
        let Some((target, _)) = loops.nth(levels - 1) else {
            return refuse(format!("{name} is not within so many loops of this part"));
        };
        for _ in target + 1..self.scopes.len() {
            self.push(Step::Leave);
        }
        self.push(Step::Succeed);
        if name == "continue" {
            let Scope::Loop(next, _) = self.scopes[target] else { return Ok(()) };
            self.push(Step::Round(next));
            return Ok(());
        }
        self.push(Step::Break);
        let jump = self.push(Step::Jump(0));
        if let Scope::Loop(_, jumps) = &mut self.scopes[target] {
            jumps.push(jump);
        }
        Ok(())
    }

    fn compound(&mut self, compound: &Compound, checked: bool) -> Result<(), SyntaxError> {
        match compound {
            Compound::Group(list) => self.list(list, checked),
            Compound::Subshell(list) => {
                let over = self.push(Step::Jump(0));
                let start = self.part(|inner| inner.list(list, checked))?;
                self.land(over);
                self.push(Step::Subshell(start));
                Ok(())
            }
            Compound::If { branches, otherwise } => {
                self.branches(branches, otherwise.as_ref(), checked)
            }
            Compound::For { name, words, body } => {
                self.push(Step::For(Rc::new(words.clone())));
                let next = self.push(Step::Next(name.clone(), 0));
                self.scopes.push(Scope::Loop(next, vec![next]));
                self.rounds(next, body, checked)
            }
            Compound::While { until, condition, body } => {
                self.push(Step::While);
                let next = self.here();
                self.scopes.push(Scope::Loop(next, Vec::new()));
                self.list(condition, false)?;
                let done = self.push(match until {
                    true => Step::JumpIfOk(0),
                    false => Step::JumpIfFailed(0),
                });
                if let Some(Scope::Loop(_, jumps)) = self.scopes.last_mut() {
                    jumps.push(done);
                }
                self.rounds(next, body, checked)
            }
            Compound::Case { subject, arms } => self.arms(subject, arms, checked),
        }
    }

    /// The body of the innermost loop and its end.
    fn rounds(&mut self, next: Place, body: &List, checked: bool) -> Result<(), SyntaxError> {
        self.list(body, checked)?;
        self.push(Step::Round(next));
        if let Some(Scope::Loop(_, jumps)) = self.scopes.pop() {
            jumps.into_iter().for_each(|jump| self.land(jump));
        }
        self.push(Step::Leave);
        Ok(())
    }

    fn branches(
        &mut self,
        branches: &[(List, List)],
        otherwise: Option<&List>,
        checked: bool,
    ) -> Result<(), SyntaxError> {
        let mut ends = Vec::new();
        for (condition, body) in branches {
            self.list(condition, false)?;
            let over = self.push(Step::JumpIfFailed(0));
            self.list(body, checked)?;
            ends.push(self.push(Step::Jump(0)));
            self.land(over);
        }
        match otherwise {
            Some(body) => self.list(body, checked)?,
            None => drop(self.push(Step::Succeed)),
        }
        ends.into_iter().for_each(|end| self.land(end));
        Ok(())
    }

    fn arms(
        &mut self,
        subject: &Word,
        arms: &[(Vec<Word>, List)],
        checked: bool,
    ) -> Result<(), SyntaxError> {
        self.push(Step::Case(Rc::new(subject.clone())));
        self.scopes.push(Scope::Other);
        let mut ends = Vec::new();
        for (patterns, body) in arms {
            let over = self.push(Step::Compare(Rc::new(patterns.clone()), 0));
            self.push(Step::Succeed);
            self.list(body, checked)?;
            ends.push(self.push(Step::Jump(0)));
            self.land(over);
        }
        self.push(Step::Succeed);
        ends.into_iter().for_each(|end| self.land(end));
        self.scopes.pop();
        self.push(Step::Leave);
        Ok(())
    }
}
