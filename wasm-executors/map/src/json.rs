//! How JSON is read here: an object without unknown fields, and errors that name the field. It
//! never knows what the fields mean. `group` has this file too.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};

/// Reads one object from `data`, which `place` names for people.
///
/// # Errors
/// Which field is wrong, what it holds and what is allowed.
pub(crate) fn read<T: DeserializeOwned>(place: &str, data: &[u8]) -> Result<T, String> {
    // An array would be read as the fields in their order.
    if data.trim_ascii_start().starts_with(b"[") {
        return Err(format!("{place}: not an object"));
    }
    let mut reader = serde_json::Deserializer::from_slice(data);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let (path, inner) = (error.path(), error.inner());
        match path.iter().next() {
            // What is no JSON at all has no field.
            Some(_) if inner.is_data() => format!("{place}: field {path}: {inner}"),
            _ => format!("{place}: {inner}"),
        }
    })?;
    reader.end().map_err(|error| format!("{place}: {error}"))?;
    Ok(read)
}

/// Reads variables by their names; a name that comes twice is refused.
///
/// # Errors
/// Of the reader, or which name is wrong.
pub(crate) fn variables<'de, D: Deserializer<'de>>(
    reader: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    struct Read;
    impl<'de> Visitor<'de> for Read {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of strings, such as {\"LANG\": \"C\"}")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut variables = BTreeMap::new();
            while let Some((name, value)) = map.next_entry::<String, String>()? {
                if name.is_empty() || name.contains(['=', '\0']) {
                    return Err(A::Error::custom(format!("{name:?} is no name of a variable")));
                }
                if variables.contains_key(&name) {
                    return Err(A::Error::custom(format!("the variable {name:?} twice")));
                }
                variables.insert(name, value);
            }
            Ok(variables)
        }
    }
    reader.deserialize_map(Read)
}
