//! Texts compared with patterns in which `…` stands for what differs from run to run. It knows
//! nothing of where the texts come from.

/// What stands for any text of a line or, alone on a line, for any number of lines.
const ANYTHING: &str = "…";

/// Whether the lines of `text` are those of `pattern`. Spaces at the ends of lines do not count.
pub fn matches(pattern: &[String], text: &str) -> bool {
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    let pattern: Vec<_> = pattern.iter().map(|line| line.trim_end()).collect();
    lines_match(&pattern, &lines)
}

fn lines_match(pattern: &[&str], lines: &[&str]) -> bool {
    match pattern {
        [] => lines.is_empty(),
        [first, rest @ ..] if *first == ANYTHING => {
            (0..=lines.len()).any(|skipped| lines_match(rest, &lines[skipped..]))
        }
        [first, rest @ ..] => match lines {
            [line, others @ ..] => line_matches(first, line) && lines_match(rest, others),
            [] => false,
        },
    }
}

fn line_matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split(ANYTHING);
    let first = parts.next().unwrap_or("");
    let Some(mut left) = line.strip_prefix(first) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return left.is_empty() };
    for part in middle {
        match left.split_once(part) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_match(pattern: &str, text: &str) -> bool {
        matches(&pattern.lines().map(str::to_owned).collect::<Vec<_>>(), text)
    }

    #[test]
    fn text_without_wildcard_matches_itself_alone() {
        assert!(is_match("a\nb", "a\nb\n"));
        assert!(is_match("a ", "a"));
        assert!(is_match("", ""));
        for text in ["", "a", "a\nb\nc", "a\nB", "a\n\nb"] {
            assert!(!is_match("a\nb", text), "{text:?}");
        }
    }

    #[test]
    fn wildcard_in_a_line_stands_for_text_of_that_line() {
        for text in ["words-1 RUNNING", "words- RUNNING", "words-a RUNNING b RUNNING"] {
            assert!(is_match("words-… RUNNING", text), "{text:?}");
        }
        for text in ["words-1\nRUNNING", "xwords-1 RUNNING", "words-1 RUNNINGx", "words RUNNING"] {
            assert!(!is_match("words-… RUNNING", text), "{text:?}");
        }
        assert!(is_match("… a … b …", "x a y b z"));
        assert!(!is_match("… a … b …", "x b y a z"));
    }

    #[test]
    fn wildcard_alone_on_a_line_stands_for_any_lines() {
        for text in ["a\nz", "a\nb\nz", "a\nb\nc\nz", "a\nz\nz"] {
            assert!(is_match("a\n…\nz", text), "{text:?}");
        }
        assert!(!is_match("a\n…\nz", "a\nb"));
        assert!(is_match("…", ""));
    }
}
