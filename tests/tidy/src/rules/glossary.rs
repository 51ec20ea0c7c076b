//! One thing has one name: the synonyms that the glossary refuses appear nowhere. It never knows
//! any word but those of docs/glossary.md.

use std::collections::BTreeMap;

use crate::house::{File, House};
use crate::rule::{Exception, Finding, Rule};

/// Words come from the glossary, which is in order itself.
pub const RULE: Rule = Rule {
    name: "glossary",
    allowed: "the terms of docs/glossary.md, in code, comments, messages and documents",
    mend: "use the term; where the word is another crate's or another system's, name the place in \
           tests/tidy/src/rules/glossary.rs with the reason; a new term goes into the glossary",
    exceptions: EXCEPTIONS,
    find,
};

const EXCEPTIONS: &[Exception] = &[];

const GLOSSARY: &str = "docs/glossary.md";
/// How its table starts: everything below is read by this rule.
const HEAD: &str = "| term | what it is in Stoa | refused |";
const READ: [&str; 4] = ["md", "proto", "rs", "wit"];

/// One line of the glossary.
struct Entry {
    line: usize,
    term: String,
    meaning: String,
    /// Each as its words, in the singular.
    refused: Vec<Vec<String>>,
}

fn find(house: &House) -> Vec<Finding> {
    let entries = house.file(GLOSSARY).map(entries).unwrap_or_default();
    let mut found = find_disorder(&entries);
    for file in house.files() {
        let is_read = READ.contains(&file.extension()) && file.path != GLOSSARY;
        for (line, text) in file.lines().filter(|_| is_read) {
            let words = words(text);
            for (entry, refused) in refusals(&entries) {
                if says(text, &words, refused) {
                    let what = format!("`{}` is called {}", refused.join(" "), entry.term);
                    found.push(Finding::new(&file.path, line, what));
                }
            }
        }
    }
    found
}

fn entries(file: &File) -> Vec<Entry> {
    let rows = file.lines().skip_while(|(_, text)| *text != HEAD).skip(2);
    let table = rows.take_while(|(_, text)| text.starts_with('|'));
    let read = |(line, text): (usize, &str)| {
        let mut cells = text.trim_matches('|').splitn(3, '|').map(str::trim);
        let mut cell = || cells.next().unwrap_or("").to_owned();
        let (term, meaning, refused) = (cell(), cell(), cell());
        let refused = refused.split(',').map(|synonym| lower(&words(synonym))).collect::<Vec<_>>();
        Entry {
            line,
            term,
            meaning,
            refused: refused.into_iter().filter(|words| !words.is_empty()).collect(),
        }
    };
    table.map(read).collect()
}

/// The glossary is sorted, every term means something, and no word is both wanted and refused.
fn find_disorder(entries: &[Entry]) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |line, what: String| found.push(Finding::new(GLOSSARY, line, what));
    if entries.is_empty() {
        add(1, format!("no table below `{HEAD}`"));
    }
    for pair in entries.windows(2) {
        if pair[0].term.to_lowercase() >= pair[1].term.to_lowercase() {
            add(pair[1].line, format!("`{}` is not in alphabetical order", pair[1].term));
        }
    }
    for entry in entries.iter().filter(|entry| entry.meaning.is_empty()) {
        add(entry.line, format!("`{}` has no meaning", entry.term));
    }
    let terms: BTreeMap<_, _> =
        entries.iter().map(|entry| (lower(&words(&entry.term)), entry.line)).collect();
    let mut seen = BTreeMap::new();
    for (entry, refused) in refusals(entries) {
        let synonym = refused.join(" ");
        if terms.contains_key(refused) {
            add(entry.line, format!("`{synonym}` is a term and refused"));
        }
        if let Some(other) = seen.insert(refused, &entry.term) {
            add(entry.line, format!("`{synonym}` is refused for `{other}` already"));
        }
    }
    found
}

fn refusals(entries: &[Entry]) -> impl Iterator<Item = (&Entry, &Vec<String>)> {
    entries.iter().flat_map(|entry| entry.refused.iter().map(move |refused| (entry, refused)))
}

/// Whether the words of `text` hold the refused ones, side by side, the last in either number.
fn says(text: &str, words: &[Word], refused: &[String]) -> bool {
    words.windows(refused.len()).any(|window| {
        let is_same = window.iter().zip(refused).enumerate().all(|(at, (word, wanted))| {
            let is_last = at + 1 == refused.len();
            word.lower == *wanted || (is_last && word.lower.strip_suffix('s') == Some(wanted))
        });
        let is_one = window.windows(2).all(|pair| {
            let between = &text[pair[0].end..pair[1].start];
            matches!(between, "" | " " | "_" | "-")
        });
        is_same && is_one
    })
}

/// A word of a text or of an identifier, and where it stands.
struct Word {
    start: usize,
    end: usize,
    lower: String,
}

/// The words of a text; identifiers are taken apart: `TaskId`, `task_id` and `task-id` have two.
fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        let starts = !previous.is_alphanumeric() || (previous.is_lowercase() && c.is_uppercase());
        match found.last_mut() {
            Some(word) if c.is_alphanumeric() && !starts => {
                word.end = at + c.len_utf8();
                word.lower.extend(c.to_lowercase());
            }
            _ if c.is_alphanumeric() => found.push(Word {
                start: at,
                end: at + c.len_utf8(),
                lower: c.to_lowercase().collect(),
            }),
            _ => {}
        }
        previous = c;
    }
    found
}

fn lower(words: &[Word]) -> Vec<String> {
    words.iter().map(|word| word.lower.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_from_the_glossary() {
        RULE.hold();
    }

    fn glossary(rows: &str) -> String {
        format!("# Words\n\n{HEAD}\n|---|---|---|\n{rows}\nMore.\n| not | a | row |\n")
    }

    fn found(text: &str) -> Vec<String> {
        let rows = "| apple | a fruit | pome, core fruit |\n| pear | another | |\n";
        let planted = [(GLOSSARY, glossary(rows)), ("a.rs", text.to_owned())];
        RULE.found_in(&planted.each_ref().map(|(path, text)| (*path, text.as_str())))
    }

    #[test]
    fn refused_word_is_found_wherever_it_is() {
        let refused = [
            "fn eat(pome: u8) {}",
            "struct PomeId;",
            "fn pome_count() {}",
            "// All pomes are eaten.",
            "const A: &str = \"no pome\";",
            "struct CoreFruit;",
            "fn f(core_fruits: u8) {}",
            "// A core-fruit.",
        ];
        for text in refused {
            assert_eq!(found(text), ["a.rs:1"], "{text}");
        }
    }

    #[test]
    fn part_of_another_word_passes() {
        let passing = ["pomegranate", "a.core().fruit", "a core. Fruit", "core", "apple"];
        for text in passing {
            assert!(found(&format!("\"{text}\"")).is_empty(), "{text}");
        }
    }

    #[test]
    fn disorder_of_the_glossary_is_found() {
        let disorders = [
            "| pear | a | |\n| apple | b | |\n",
            "| apple | | |\n",
            "| apple | a | pear |\n| pear | b | |\n",
            "| apple | a | x |\n| pear | b | x |\n",
            "",
        ];
        for rows in disorders {
            let found = RULE.found_in(&[(GLOSSARY, &glossary(rows))]);
            assert_eq!(found.len(), 1, "{rows}");
        }
    }
}
