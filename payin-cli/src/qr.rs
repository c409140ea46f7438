//! A text as a QR code in half blocks, light on dark, as terminals mostly are.

use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use crate::text::clean;
use crate::ui::Ui;

/// Draws an address before somebody's eyes, who can compare it with the text below.
pub fn show(ui: &Ui, address: &str) {
    match draw(address) {
        Some(drawing) => ui.draw(&format!("{drawing}\n{}", clean(address))),
        None => ui.note("the address is too long for a QR code"),
    }
}

/// The code with its quiet zone, or `None` where the text is too long for one.
fn draw(text: &str) -> Option<String> {
    let code = QrCode::new(text).ok()?;
    Some(code.render::<Dense1x2>().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_fits() {
        let drawn = super::draw("0x742d35Cc6634C0532925a3b844Bc9e7595f0bEb0").unwrap();
        assert!(drawn.lines().all(|line| line.chars().all(|c| " ▀▄█".contains(c))));
        // Version 3, 29 modules and four of quiet on each side, two to a line.
        assert_eq!((drawn.lines().count(), drawn.lines().next().unwrap().chars().count()), (19, 37));
    }
}
