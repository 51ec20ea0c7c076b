//! Values of scripts and of JSON, each made of the other. It never calls a script.

use rhai::{Array, Dynamic, Map};
use serde_json::{Number, Value};

use crate::limits::ANSWER_DEPTH_MAX;

/// The value of a script for one of JSON.
///
/// # Errors
/// The number that a script cannot hold.
pub(crate) fn to_script(value: Value) -> Result<Dynamic, String> {
    Ok(match value {
        Value::Null => Dynamic::UNIT,
        Value::Bool(value) => value.into(),
        Value::Number(number) => number_to_script(&number)?,
        Value::String(text) => text.into(),
        Value::Array(values) => {
            values.into_iter().map(to_script).collect::<Result<Array, _>>()?.into()
        }
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| Ok((name.into(), to_script(value)?)))
            .collect::<Result<Map, String>>()?
            .into(),
    })
}

fn number_to_script(number: &Number) -> Result<Dynamic, String> {
    if let Some(integer) = number.as_i64() {
        return Ok(integer.into());
    }
    match number.as_f64() {
        Some(float) if number.is_f64() => Ok(float.into()),
        _ => Err(format!("{number} is no number of a script: integers up to {} are", i64::MAX)),
    }
}

/// The JSON for a value of a script.
///
/// # Errors
/// What in it JSON has no word for.
pub(crate) fn from_script(value: &Dynamic) -> Result<Value, String> {
    from_script_within(value, ANSWER_DEPTH_MAX)
}

fn from_script_within(value: &Dynamic, depth_left: usize) -> Result<Value, String> {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(format!("the answer nests deeper than {ANSWER_DEPTH_MAX}"));
    };
    if value.is_unit() {
        return Ok(Value::Null);
    }
    if let Ok(value) = value.as_bool() {
        return Ok(value.into());
    }
    if let Ok(integer) = value.as_int() {
        return Ok(integer.into());
    }
    if let Ok(float) = value.as_float() {
        let number = Number::from_f64(float).ok_or_else(|| format!("JSON has no {float}"))?;
        return Ok(number.into());
    }
    if let Ok(character) = value.as_char() {
        return Ok(character.to_string().into());
    }
    if let Ok(text) = value.as_immutable_string_ref() {
        return Ok(text.as_str().into());
    }
    if let Ok(elements) = value.as_array_ref() {
        let elements = elements.iter().map(|element| from_script_within(element, depth_left));
        return elements.collect::<Result<Vec<_>, _>>().map(Value::Array);
    }
    if let Ok(map) = value.as_map_ref() {
        let members = map
            .iter()
            .map(|(name, value)| Ok((name.to_string(), from_script_within(value, depth_left)?)));
        return members.collect::<Result<_, String>>().map(Value::Object);
    }
    Err(format!("JSON has no {}", value.type_name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_and_fro(text: &str) -> String {
        let value = serde_json::from_str(text).unwrap();
        from_script(&to_script(value).unwrap()).unwrap().to_string()
    }

    #[test]
    fn values_come_back_as_they_went() {
        for text in
            ["null", "true", "-7", "1.5", "\"a\\\"b\"", "[1,[2,\"x\"]]", "{\"a\":{},\"b\":[null]}"]
        {
            assert_eq!(to_and_fro(text), text);
        }
    }

    #[test]
    fn what_has_no_word_on_the_other_side_is_an_error() {
        let large = serde_json::from_str("18446744073709551615").unwrap();
        assert!(to_script(large).unwrap_err().contains("9223372036854775807"));
        assert_eq!(from_script(&f64::NAN.into()).unwrap_err(), "JSON has no NaN");
        let function = Dynamic::from(rhai::FnPtr::new("f").unwrap());
        assert_eq!(from_script(&function).unwrap_err(), "JSON has no Fn");
    }

    #[test]
    fn answer_that_nests_too_deep_is_an_error() {
        let nested = |depth| (1..depth).fold(Dynamic::UNIT, |inner, _| vec![inner].into());
        assert!(from_script(&nested(ANSWER_DEPTH_MAX)).is_ok());
        let error = from_script(&nested(ANSWER_DEPTH_MAX + 1)).unwrap_err();
        assert_eq!(error, "the answer nests deeper than 64");
    }
}
