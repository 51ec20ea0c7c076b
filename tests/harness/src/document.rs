//! The commands that a document shows, with the output it shows for them. It never runs any.
//!
//! In a fenced block tagged `sh`, a line `$ COMMAND` starts a command (a `\` at its end continues
//! it on the next line), and the lines up to the next command or comment are what it prints on
//! standard output, with `…` for what differs from run to run. A comment line that ends with
//! `(goes on)`, such as `# terminal 1 (goes on)`, says that the next command runs on until the end
//! of the section. Blocks with other tags, such as `text`, are not looked at.

/// A heading of a document and the commands below it.
#[derive(Debug, PartialEq, Eq)]
pub struct Section {
    /// The heading without its marks; empty above the first.
    pub heading: String,
    /// In their order.
    pub commands: Vec<Shown>,
}

/// A command as a document shows it.
#[derive(Debug, PartialEq, Eq)]
pub struct Shown {
    /// The line of the document it stands in, from 1 on.
    pub line: usize,
    /// What is to be typed.
    pub command: String,
    /// The lines of its output.
    pub output: Vec<String>,
    /// Whether it runs on while what follows is typed in another terminal.
    pub goes_on: bool,
}

/// Why a document cannot be followed.
#[derive(Debug, PartialEq, Eq)]
pub struct Unclear {
    /// Where, from 1 on.
    pub line: usize,
    /// What is wrong there.
    pub what: &'static str,
}

impl std::fmt::Display for Unclear {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

/// Where the reader is.
enum Mode {
    Prose,
    OtherBlock,
    Commands { goes_on: bool, is_continued: bool },
}

/// The sections of a document that show commands.
///
/// # Errors
/// [`Unclear`] for a block that is not closed, and for output that no command has printed.
pub fn sections(document: &str) -> Result<Vec<Section>, Unclear> {
    let mut sections = vec![Section { heading: String::new(), commands: Vec::new() }];
    let mut mode = Mode::Prose;
    let mut line = 0;
    for text in document.lines() {
        line += 1;
        mode = match mode {
            Mode::Prose => on_prose(text, &mut sections),
            _ if text == "```" => Mode::Prose,
            Mode::OtherBlock => Mode::OtherBlock,
            Mode::Commands { goes_on, is_continued } => {
                let section = sections.last_mut().expect("there is a section from the start on");
                on_commands(section, (line, text), goes_on, is_continued)?
            }
        };
    }
    if !matches!(mode, Mode::Prose) {
        return Err(Unclear { line, what: "a block is not closed" });
    }
    sections.retain(|section| !section.commands.is_empty());
    Ok(sections)
}

fn on_prose(text: &str, sections: &mut Vec<Section>) -> Mode {
    if let Some(heading) = text.strip_prefix('#') {
        let heading = heading.trim_start_matches('#').trim().to_owned();
        sections.push(Section { heading, commands: Vec::new() });
    }
    match text.strip_prefix("```") {
        Some("sh") => Mode::Commands { goes_on: false, is_continued: false },
        Some(_) => Mode::OtherBlock,
        None => Mode::Prose,
    }
}

fn on_commands(
    section: &mut Section,
    (line, text): (usize, &str),
    goes_on: bool,
    is_continued: bool,
) -> Result<Mode, Unclear> {
    let is_unfinished = |text: &str| text.ends_with('\\');
    if is_continued {
        let shown = section.commands.last_mut().expect("a continued line has a first line");
        shown.command.push('\n');
        shown.command.push_str(text);
        return Ok(Mode::Commands { goes_on, is_continued: is_unfinished(text) });
    }
    if let Some(command) = text.strip_prefix("$ ") {
        let (command, output) = (command.to_owned(), Vec::new());
        let is_continued = is_unfinished(text);
        section.commands.push(Shown { line, command, output, goes_on });
        return Ok(Mode::Commands { goes_on: false, is_continued });
    }
    if text.starts_with("# ") {
        let goes_on = text.ends_with("(goes on)");
        return Ok(Mode::Commands { goes_on, is_continued: false });
    }
    match section.commands.last_mut() {
        Some(shown) => shown.output.push(text.to_owned()),
        None => return Err(Unclear { line, what: "output is shown before any command" }),
    }
    Ok(Mode::Commands { goes_on, is_continued: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(line: usize, command: &str, output: &[&str], goes_on: bool) -> Shown {
        let output = output.iter().map(|line| (*line).to_owned()).collect();
        Shown { line, command: command.to_owned(), output, goes_on }
    }

    #[test]
    fn commands_have_the_output_below_them() {
        let document = "# A\n\nText.\n```sh\n$ one\n1\n\n2\n$ two\n```\nMore.\n";
        let commands = vec![shown(5, "one", &["1", "", "2"], false), shown(9, "two", &[], false)];
        let expected = vec![Section { heading: "A".to_owned(), commands }];
        assert_eq!(sections(document), Ok(expected));
    }

    #[test]
    fn sections_without_commands_and_other_blocks_are_left_out() {
        let document = "# A\n```text\n$ no\n# no heading\n```\n## B\n```rust\n$ no\n```\n";
        assert_eq!(sections(document), Ok(Vec::new()));
    }

    #[test]
    fn comment_says_that_the_next_command_goes_on() {
        let document = "## B\n```sh\n# terminal 1 (goes on)\n$ one\nready\n# terminal 2\n$ two\n\
                        # terminal 3 (goes on)\n$ three\n$ four\n```\n";
        let sections = sections(document).unwrap();
        let goes_on: Vec<_> =
            sections[0].commands.iter().map(|it| (it.command.as_str(), it.goes_on)).collect();
        assert_eq!(goes_on, [("one", true), ("two", false), ("three", true), ("four", false)]);
        assert_eq!(sections[0].commands[0].output, ["ready"]);
    }

    #[test]
    fn command_goes_on_in_the_next_line_after_a_backslash() {
        let document = "```sh\n$ one \\\n    two \\\n    three\n3\n```\n";
        let sections = sections(document).unwrap();
        let expected = shown(2, "one \\\n    two \\\n    three", &["3"], false);
        assert_eq!(sections[0].commands, [expected]);
    }

    #[test]
    fn document_that_cannot_be_followed_is_refused() {
        let unclear = |document| sections(document).unwrap_err().line;
        assert_eq!(unclear("```sh\noutput\n$ one\n```\n"), 2);
        assert_eq!(unclear("```sh\n$ one\n"), 2);
    }
}
