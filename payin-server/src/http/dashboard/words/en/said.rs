//! What the core says to programs, as English pages say it to people. It must not decide anything: whatever is missing here is said in the core's words.

use super::super::super::said::Said;

pub(super) static SAID: Said = Said {
    sentences: SENTENCES,
    fields: FIELDS,
    wrong: str::to_owned,
    together: |fields| Some(together(fields)),
    by_code: |_| None,
    finding: |_, _| None,
};

const SENTENCES: &[(&str, &str)] = &[
    (
        "{} of the lines hold no usable {} address, so nothing was imported; details lists the first {}",
        "{} of the lines hold no usable {} address, so nothing was imported. The first {} of them are listed below.",
    ),
    (
        "amount, amountType and currencies are frozen since the payment link was published; make a new one",
        "Amount, currencies and networks are fixed since the payment link was published; make a new one",
    ),
    (
        "The payment link's expiresAt is over; set a later one first",
        "The last day of this payment link is over: change \u{201c}Ends on\u{201d} first",
    ),
    (
        "Amount must be \"0\" or absent where the payer says how much (amountType user_input)",
        "Where the payer says how much, leave the amount empty",
    ),
];

/// What fields are called that forms call otherwise than the API.
const FIELDS: &[(&str, &str)] = &[
    ("ctaText", "Text of the button"),
    ("inventory", "How many there are"),
    ("inventoryTotal", "How many there are"),
    ("expires", "Ends on"),
    ("expiresAt", "Ends on"),
    ("currencies", "Currency and network"),
    ("pay", "Currency and network"),
    ("prices", "Other prices"),
    ("successUrl", "After payment, payers go to"),
    ("cancelUrl", "After expiry, payers go to"),
    ("depositReference", "Reference"),
    ("orderReference", "Reference"),
    ("orderId", "Order ID"),
];

fn together(fields: &[(String, String)]) -> String {
    fields.iter().map(|(field, problem)| format!("{field}: {problem}")).collect::<Vec<_>>().join("; ")
}
