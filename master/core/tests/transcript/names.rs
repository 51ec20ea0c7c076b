//! Short names: in a transcript `F1` is the framework `m-F1` of the master `m`, and `u3` an Update.

use stoa_model::ids::UpdateId;

/// The master of every transcript, before a restart.
pub const MASTER: &str = "m";

/// `F1` as the id `m-F1`; other words as they are.
pub fn expand(word: &str) -> String {
    let mut letters = word.chars();
    let is_minted = letters.next().is_some_and(|first| "FAOS".contains(first))
        && word.len() > 1
        && letters.all(|c| c.is_ascii_digit());
    if is_minted { format!("{MASTER}-{word}") } else { word.to_owned() }
}

/// The id `m-F1` as `F1`; other texts as they are, but for such ids within them.
pub fn shorten(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("m-") {
        let (before, after) = rest.split_at(at);
        let mut next = after[2..].chars();
        let is_minted = !before.ends_with(|c: char| c.is_alphanumeric())
            && next.next().is_some_and(|first| "FAOS".contains(first))
            && next.next().is_some_and(|digit| digit.is_ascii_digit());
        out.push_str(before);
        out.push_str(if is_minted { "" } else { "m-" });
        rest = &after[2..];
    }
    out + rest
}

/// Reads `u3`.
pub fn update(word: &str) -> Result<UpdateId, String> {
    let number = word.strip_prefix('u').and_then(|digits| digits.parse().ok());
    number.map(UpdateId).ok_or_else(|| format!("{word:?} is no update such as u3"))
}
