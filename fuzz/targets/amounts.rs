//! Texts as amounts: refused, or kept to the last digit in every form that money takes here.
#![no_main]

use libfuzzer_sys::fuzz_target;
use payin_core::Units;
use payin_types::Amount;

/// What an amount on the wire can hold in its 96 bits: 79 billion tokens with all of 18 decimals.
const WIRE_DIGITS: u128 = 1 << 96;

fuzz_target!(|data: &[u8]| {
    if let Some((base_units, [decimals, ..])) = data.split_first_chunk::<16>() {
        from_chain(u128::from_be_bytes(*base_units), u32::from(*decimals));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(amount) = text.parse::<Amount>() else { return };
    assert_eq!(amount.to_string(), text, "the caller's own digits");
    let Some(units) = Units::from_amount(amount) else { return };
    assert_eq!(Units::from_limbs(units.limbs()), Some(units), "{text}");
    assert_eq!(units.is_zero(), amount.is_zero(), "{text}");
    assert_eq!(Units::from_amount(units.to_amount()), Some(units), "{text}");
    for decimals in [6, 18] {
        if let Some(base_units) = units.to_base_units(decimals) {
            assert_eq!(Units::from_base_units(base_units, decimals), Some(units), "{text} of {decimals} decimals");
        }
    }
});

fn from_chain(base_units: u128, decimals: u32) {
    let Some(units) = Units::from_base_units(base_units, decimals) else { return };
    assert_eq!(units.to_base_units(decimals), Some(base_units), "{decimals} decimals");
    assert_eq!(Units::from_limbs(units.limbs()), Some(units));
    // Above, the text on the wire has fewer digits than the sum: `Units::to_amount` says so.
    if units < Units::from_base_units(WIRE_DIGITS, 18).unwrap_or_default() {
        assert_eq!(Units::from_amount(units.to_amount()), Some(units), "{base_units} of {decimals} decimals");
    }
}
