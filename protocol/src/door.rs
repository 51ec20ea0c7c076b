//! The checks that every door is made of. Each names the field it refuses; none of them changes
//! a value.

use stoa_model::command::is_plain_absolute;
use stoa_model::limits::{BATCH_ENTRIES_MAX, DATA_BYTES_MAX, DURATION_MS_MAX, MESSAGE_BYTES_MAX};

use crate::limits::PATH_BYTES_MAX;
use crate::malformed::Malformed;
use crate::wire::Wire;

/// The value of a field.
pub(crate) fn value<T: Wire>(field: &str, proto: T::Proto) -> Result<T, Malformed> {
    T::from_proto(proto).map_err(|malformed| malformed.inside(field))
}

/// The value of a field, if it is there.
pub(crate) fn optional<T: Wire>(
    field: &str,
    proto: Option<T::Proto>,
) -> Result<Option<T>, Malformed> {
    proto.map(|proto| value(field, proto)).transpose()
}

/// The value of a field that must be there.
pub(crate) fn required<T: Wire>(field: &str, proto: Option<T::Proto>) -> Result<T, Malformed> {
    optional(field, proto)?.ok_or_else(|| Malformed::missing(field))
}

/// The values of a list of at most `entries_max`.
pub(crate) fn list<T: Wire>(
    field: &str,
    protos: Vec<T::Proto>,
    entries_max: usize,
) -> Result<Vec<T>, Malformed> {
    each(field, protos, entries_max, T::from_proto)
}

/// The values of a list that travels in one piece, such as the tasks of a Launch.
pub(crate) fn batch<T: Wire>(field: &str, protos: Vec<T::Proto>) -> Result<Vec<T>, Malformed> {
    list(field, protos, BATCH_ENTRIES_MAX)
}

/// What `check` makes of each entry of a list of at most `entries_max`.
pub(crate) fn each<P, T>(
    field: &str,
    protos: Vec<P>,
    entries_max: usize,
    check: impl Fn(P) -> Result<T, Malformed>,
) -> Result<Vec<T>, Malformed> {
    entries(field, protos.len(), entries_max)?;
    let checked = |(index, proto)| check(proto).map_err(|malformed| malformed.at(index));
    let values: Result<Vec<T>, Malformed> = protos.into_iter().enumerate().map(checked).collect();
    values.map_err(|malformed| malformed.inside(field))
}

/// Refuses a list that is too long before anything is made of it.
pub(crate) fn entries(field: &str, count: usize, entries_max: usize) -> Result<(), Malformed> {
    if count <= entries_max {
        return Ok(());
    }
    let got = format!("a list of {count} entries");
    Err(Malformed::here(got, format!("at most {entries_max} entries")).inside(field))
}

/// A text of at most `bytes_max`.
pub(crate) fn text(field: &str, text: String, bytes_max: usize) -> Result<String, Malformed> {
    size(field, text.len(), bytes_max)?;
    Ok(text)
}

/// A message for people.
pub(crate) fn message(field: &str, message: String) -> Result<String, Malformed> {
    text(field, message, MESSAGE_BYTES_MAX)
}

/// Bytes that are opaque to Stoa.
pub(crate) fn data(field: &str, data: Vec<u8>) -> Result<Vec<u8>, Malformed> {
    size(field, data.len(), DATA_BYTES_MAX)?;
    Ok(data)
}

/// Refuses what has more than `bytes_max` bytes.
pub(crate) fn size(field: &str, bytes: usize, bytes_max: usize) -> Result<(), Malformed> {
    if bytes <= bytes_max {
        return Ok(());
    }
    Err(Malformed::here(format!("{bytes} bytes long"), format!("at most {bytes_max} bytes"))
        .inside(field))
}

/// A number from `least` to `most`.
pub(crate) fn within<T>(field: &str, number: T, least: T, most: T) -> Result<T, Malformed>
where
    T: Copy + PartialOrd + std::fmt::Display,
{
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(Malformed::here(number, format!("{least} to {most}")).inside(field))
}

/// A time to wait, which may be none at all.
pub(crate) fn duration_ms(field: &str, ms: u64) -> Result<u64, Malformed> {
    within(field, ms, 0, DURATION_MS_MAX)
}

/// The longest grace of a kill, if there is one.
pub(crate) fn grace_max_ms(ms: Option<u64>) -> Result<Option<u64>, Malformed> {
    ms.map(|ms| duration_ms("grace_max_ms", ms)).transpose()
}

/// A time between things that repeat.
pub(crate) fn period_ms(field: &str, ms: u64) -> Result<u64, Malformed> {
    within(field, ms, 1, DURATION_MS_MAX)
}

/// An absolute path whose parts are plain names.
pub(crate) fn path(path: String) -> Result<String, Malformed> {
    if path.len() <= PATH_BYTES_MAX && is_plain_absolute(&path) {
        return Ok(path);
    }
    let allowed =
        format!("an absolute path without '.' and '..' of at most {PATH_BYTES_MAX} bytes");
    Err(Malformed::text(&path, allowed))
}

/// The value of an enum, whose numbers on the wire are 1 to the count of `all`.
pub(crate) fn specified<T>(number: i32, all: &[T]) -> Result<T, Malformed>
where
    T: Wire<Proto = i32> + Copy,
{
    all.iter().copied().find(|known| known.to_proto() == number).ok_or_else(|| match number {
        0 => Malformed::here("unspecified", format!("1 to {}", all.len())),
        _ => Malformed::here(number, format!("1 to {}", all.len())),
    })
}
