//! Patterns in which `*` stands for any text: what fault rules and questions to the journal fit. Nothing else is special in them.

/// Whether a text fits a pattern; no pattern fits everything.
#[must_use]
pub fn fits(pattern: Option<&str>, text: &str) -> bool {
    let Some(pattern) = pattern else { return true };
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').collect::<Vec<_>>();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        // The earliest place leaves the most for what follows.
        let Some((_, behind)) = text.split_once(part) else { return false };
        text = behind;
    }
    text.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn a_star_stands_for_any_text_and_everything_else_for_itself() {
        for (pattern, text) in [
            ("*", ""),
            ("*", "anything"),
            ("POST /api/v1/orders", "POST /api/v1/orders"),
            ("POST *", "POST /api/v1/orders"),
            ("* /api/v1/orders*", "GET /api/v1/orders/ord_1"),
            ("*ord*s*", "GET /api/v1/orders"),
            ("a*a", "aa"),
            ("*aab", "aaab"),
            ("order.*", "order.completed"),
        ] {
            assert!(fits(Some(pattern), text), "{pattern} does not fit {text}");
        }
        for (pattern, text) in [
            ("POST /api/v1/orders", "POST /api/v1/orders/"),
            ("a*a", "a"),
            ("order.*", "payment_link.order.completed"),
            ("*x", "xy"),
            ("a*b*c", "acb"),
            ("", "a"),
            ("o.der*", "order"),
        ] {
            assert!(!fits(Some(pattern), text), "{pattern} fits {text}");
        }
        assert!(fits(None, "anything"));
    }
}
