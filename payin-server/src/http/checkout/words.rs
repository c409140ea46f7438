//! What pages say, in the languages that they speak: a file each, with every sentence of this table, or it does not compile. It must not
//! decide what is said when.

mod en;
mod zh;

use payin_core::link::Closed;

/// Every sentence of a language.
pub struct Words {
    /// The language's tag, and what it calls itself.
    pub tag: &'static str,
    pub name: &'static str,
    pub languages: &'static str,

    // An order.
    pub payment: &'static str,
    pub test_network: &'static str,
    pub open_title: &'static str,
    pub open: fn(amount: &str, network: &str) -> String,
    pub short_title: &'static str,
    pub short: fn(arrived: &str, missing: &str) -> String,
    pub grace_title: &'static str,
    pub grace: &'static str,
    pub grace_short: fn(arrived: &str, amount: &str) -> String,
    pub closing_title: &'static str,
    pub closing: &'static str,
    pub confirming_title: &'static str,
    pub confirming: &'static str,
    pub paid_title: &'static str,
    pub paid: fn(arrived: &str) -> String,
    pub taken_back_title: &'static str,
    pub taken_back: &'static str,
    pub expired_title: &'static str,
    pub expired: &'static str,
    pub expired_short: fn(arrived: &str, amount: &str) -> String,
    pub late_title: &'static str,
    pub late: &'static str,
    pub late_short: fn(arrived: &str, amount: &str) -> String,
    pub time_to_pay: &'static str,
    pub time_to_arrive: &'static str,
    pub until: fn(time: &str) -> String,
    pub confirmations: fn(have: u64, of: u64) -> String,
    pub steps: &'static str,
    pub step_sent: &'static str,
    pub step_seen: &'static str,
    pub step_confirmed: &'static str,
    pub excess: fn(excess: &str) -> String,
    pub token_on: fn(token: &str, network: &str) -> String,
    pub stray: fn(came: &str, wanted: &str) -> String,
    pub stray_late: fn(came: &str) -> String,

    // How to pay it.
    pub how_to_pay: &'static str,
    pub amount: &'static str,
    pub missing_amount: &'static str,
    pub missing_of: fn(amount: &str) -> String,
    pub address: &'static str,
    pub qr_address: &'static str,
    pub qr_request: &'static str,
    pub qr_of_address: &'static str,
    pub qr_of_request: &'static str,
    pub request_hint: &'static str,
    pub open_wallet: &'static str,
    pub copy: &'static str,
    pub copied: &'static str,
    pub copy_amount: &'static str,
    pub copy_address: &'static str,
    pub only: fn(wanted: &str) -> String,
    pub only_why: fn(network: &str) -> String,
    pub exchange_title: &'static str,
    pub exchange: fn(network: &str) -> String,
    pub wallet_pay: &'static str,
    pub wallet_waits: &'static str,
    pub wallet_sent: &'static str,
    pub wallet_declined: &'static str,
    pub wallet_network: fn(network: &str) -> String,
    pub wallet_failed: &'static str,

    // An address for deposits.
    pub deposit_title: &'static str,
    pub deposit: &'static str,
    pub deposit_others: &'static str,
    pub deposit_taken: &'static str,

    // Around it.
    pub back: &'static str,
    pub going_back: &'static str,
    pub stay: &'static str,
    pub details: &'static str,
    pub payment_id: &'static str,
    pub network: &'static str,
    pub token_contract: &'static str,
    pub transaction: &'static str,
    pub transaction_besides: &'static str,
    pub received: &'static str,
    pub created: &'static str,
    pub looks_again: &'static str,
    pub look_again: &'static str,
    pub keep_open: &'static str,

    // A payment link.
    pub preview: &'static str,
    pub preview_back: &'static str,
    pub link_unit: fn(left: u64) -> String,
    pub link_until: fn(time: &str) -> String,
    pub sold_out_title: &'static str,
    pub sold_out: &'static str,
    pub pay_with: &'static str,
    pub your_amount: &'static str,
    pub your_amount_hint: &'static str,
    pub email: &'static str,
    pub email_hint: &'static str,
    pub go_on: &'static str,
    pub no_account: &'static str,
    pub closed_title: fn(closed: Closed) -> &'static str,
    pub closed: fn(closed: Closed) -> &'static str,

    // What goes wrong.
    pub bad_amount: &'static str,
    pub bad_email: &'static str,
    pub bad_choice: &'static str,
    pub no_addresses: &'static str,
    pub chain_away: &'static str,
    pub too_many_orders: &'static str,
    pub not_found_title: &'static str,
    pub not_found: &'static str,
    pub too_often_title: &'static str,
    pub too_often: &'static str,
    pub foreign_title: &'static str,
    pub foreign: &'static str,
    pub trouble_title: &'static str,
    pub trouble: &'static str,
    pub request_id: &'static str,
}

/// Every language, the one for everybody else first.
pub static LANGUAGES: [&Words; 2] = [&en::WORDS, &zh::WORDS];

impl Words {
    /// The language of a tag such as `zh-Hant-TW`, if it is spoken.
    #[must_use]
    pub fn of(tag: &str) -> Option<&'static Self> {
        let primary = tag.trim().split(['-', '_']).next().unwrap_or_default();
        LANGUAGES.into_iter().find(|words| words.code().eq_ignore_ascii_case(primary))
    }

    /// The first part of its tag.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.tag.split('-').next().unwrap_or(self.tag)
    }
}
