//! JSON that says one thing only: no key twice in an object, no number that would come back as another. What it means is not looked at.

use std::collections::HashSet;

use serde_json::Number;

use crate::Error;
use crate::error::shown;

/// Refuses what a reader would have to guess about. The text must be JSON that has been read already.
///
/// # Errors
/// `VALIDATION_ERROR` naming the key or the number.
pub fn check(text: &[u8]) -> Result<(), Error> {
    let mut objects: Vec<Option<HashSet<String>>> = Vec::new();
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let length = match first {
            b'{' => {
                objects.push(Some(HashSet::new()));
                1
            }
            b'[' => {
                objects.push(None);
                1
            }
            b'}' | b']' => {
                objects.pop();
                1
            }
            b'"' => {
                let length = string_length(behind);
                let (string, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                if after.trim_ascii_start().first() == Some(&b':') {
                    note(objects.last_mut(), string)?;
                }
                length
            }
            b'-' | b'0'..=b'9' => {
                let length = rest.iter().take_while(|byte| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')).count();
                number(std::str::from_utf8(rest.get(..length).unwrap_or_default()).unwrap_or_default())?;
                length
            }
            _ => 1,
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

/// How long a string is with both its quotes, given what follows the first.
fn string_length(behind: &[u8]) -> usize {
    let mut escaped = false;
    let end = behind.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(behind.len()).saturating_add(2)
}

fn note(object: Option<&mut Option<HashSet<String>>>, key: &[u8]) -> Result<(), Error> {
    // Read, not compared as written: `a` and `\u0061` are one key.
    let key: String = serde_json::from_slice(key).unwrap_or_default();
    if let Some(Some(keys)) = object
        && !keys.insert(key.clone())
    {
        return Err(Error::field("body", format!("has the key '{}' twice in one object", shown(&key))));
    }
    Ok(())
}

/// Numbers are kept as 64-bit integers or floats. Whatever these cannot hold would be answered as another number.
fn number(text: &str) -> Result<(), Error> {
    let is_whole = !text.contains(['.', 'e', 'E']);
    let is_kept = if is_whole {
        text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok()
    } else {
        serde_json::from_str::<Number>(text).is_ok_and(|kept| decimal(&kept.to_string()) == decimal(text))
    };
    if is_kept {
        return Ok(());
    }
    Err(Error::field("body", format!("has the number {}, which cannot be kept exactly: send it as a string", shown(text))))
}

/// A number's significant digits, and the power of ten of the last one. The same for all ways to write one number.
fn decimal(text: &str) -> (bool, String, i64) {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{}{fraction}", whole.trim_start_matches('-'));
    let digits = digits.trim_start_matches('0');
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return (false, String::new(), 0);
    }
    let length = |text: &str| i64::try_from(text.len()).unwrap_or(i64::MAX);
    let trimmed = length(digits).saturating_sub(length(significant));
    let exponent = exponent.parse::<i64>().unwrap_or(i64::MAX).saturating_sub(length(fraction)).saturating_add(trimmed);
    (whole.starts_with('-'), significant.to_owned(), exponent)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Map, Value};

    use super::*;

    /// Anything that JSON may be.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,6}|[\"\\\\:,{}a]{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let object = proptest::collection::btree_map("[a\"\\\\:{ü]{0,3}", inner.clone(), 0..4);
            prop_oneof![
                proptest::collection::vec(inner, 0..4).prop_map(Value::from),
                object.prop_map(|map| Value::from(Map::from_iter(map)))
            ]
        })
    }

    proptest! {
        #[test]
        fn a_key_twice_is_found_wherever_it_stands(within in value(), key in "[a\"\\\\:{ü]{0,3}", depth in 0usize..4) {
            prop_assert_eq!(check(within.to_string().as_bytes()), Ok(()));
            let key = Value::from(key);
            let twice = (0..depth).fold(format!("{{{key}:{within},{key}:1}}"), |inner, _| format!("[{within},{{\"x\":{inner}}}]"));
            prop_assert!(check(twice.as_bytes()).is_err());
        }

        #[test]
        fn looking_is_total(text in "[\\PC{}\\[\\]\",:0-9.e+-]{0,60}") {
            let _ = check(text.as_bytes());
        }
    }

    #[test]
    fn what_says_one_thing_is_taken() {
        for good in [
            r#"{}"#,
            r#"{"a":{"a":[{"a":1},{"a":1}]},"b":"\"a\":1,\"a\":1","c":"\\","d":"a"}"#,
            r#"{"n":[0,-0,1,-1,18446744073709551615,-9223372036854775808,0.1,1.50,-0.0,1e3,1E+3,1.5e-7,5.960464477539063e-8,100.00e2,1e300]}"#,
            r#"["a","a",true,null]"#,
            r#"{"":1,"a" : 2}"#,
        ] {
            serde_json::from_str::<Value>(good).expect("JSON");
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_says_two_things_is_refused() {
        for (bad, says) in [
            (r#"{"a":1,"a":1}"#, "'a' twice"),
            (r#"{"x":[{"m":{"k":1,"l":2,"\u006b" :3}}]}"#, "'k' twice"),
            (r#"{"a":{"b":1},"c":2,"a":3}"#, "'a' twice"),
            (r#"{"n":18446744073709551616}"#, "18446744073709551616"),
            (r#"{"n":[-9223372036854775809]}"#, "-9223372036854775809"),
            (r#"{"n":0.1234567890123456789}"#, "0.1234567890123456789"),
            (r#"{"n":9007199254740993.0}"#, "9007199254740993.0"),
            (r#"{"n":1e-400}"#, "1e-400"),
        ] {
            let error = check(bad.as_bytes()).expect_err(bad);
            assert!(error.message.contains(says), "{bad}: {}", error.message);
        }
    }
}
