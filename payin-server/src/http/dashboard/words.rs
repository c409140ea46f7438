//! What the dashboard says, in the languages that it speaks: a file each, with every sentence of this table, or it does not compile. It must
//! not decide what is said when.

mod en;
mod zh;

use super::said::Said;

macro_rules! words {
    ($($name:ident)*) => {
        /// Every sentence of a language.
        pub struct Words {
            /// The language's tag, and what it calls itself.
            pub tag: &'static str,
            pub name: &'static str,
            /// What the API's words are called here: where things stand, roles, kinds.
            pub known: fn(word: &str) -> Option<&'static str>,
            pub page_of: fn(page: u64, pages: u64, total: u64) -> String,
            /// What is wrong in a line of a file.
            pub line: fn(line: u64, address: &str, problem: &str) -> String,
            pub invited: fn(organization: &str, role: &str) -> String,
            pub paid_of: fn(day: &str, paid: u64, all: u64) -> String,
            pub days: fn(days: u64) -> String,
            /// That no address of these families is free.
            pub none_left_of: fn(families: &str) -> String,
            pub imported: fn(imported: u64, skipped: u64) -> String,
            /// What the core's words are here.
            pub core: &'static Said,
            /// Stands between what something is and what is said of it.
            pub colon: &'static str,
            /// What was sold of a link, is held, and how much there is.
            pub stock_of: fn(sold: u64, held: u64, total: Option<u64>) -> String,
            /// That a transfer does not count, behind what it is.
            pub counts_not: fn(why: &str) -> String,
            $(pub $name: &'static str,)*
        }
    };
}

words! {
    // Around every page.
    languages skip sandbox test_network organization switch_to sign_out ways actions done queued not_done copy copied pages before after
    request_id to_start

    // What goes wrong.
    signed_out_title signed_out not_found_title not_found too_often_title too_often forbidden_title forbidden refused_title refused
    trouble_title trouble

    // Coming in.
    sign_in email_or_name password wrong_password too_many_attempts no_account setup_title setup invited_title invited_known join
    organization_name email name_optional password_hint create_account
    code code_hint code_title code_text code_lost wrong_code too_slow

    // The first page.
    start orders_pending orders_completed orders_expired orders_taken_back conversion received received_by_paid highest_day first_steps

    // What lists and pages have in common.
    any search export_csv nothing nothing_found save change change_role delete archive restore yes no id status amount currency network
    address family reference description title created_at updated_at expires_at expires_optional expires_hint time from_day to_day role value url

    // Orders and transfers.
    orders order no_orders search_orders why finding explanation timeline happened was_created was_seen confirmed_at completed_at expired_at taken_back_at detected_at more_money buyer_email
    confirmations pay_page link success_url cancel_url transfers no_transfers search_transfers transaction sender belongs_to unmatched
    unmatched_text orders_chart volume_chart

    // Deposits and their references.
    deposits no_deposits references no_references deposit_reference reference_hint last_deposit bind unbind pay_with

    // The address pool.
    addresses all_addresses no_addresses stock lasts lasts_text none_left available allocated bound cooldown quarantined archived import file
    file_hint or_addresses addresses_hint or_xpub xpub_hint xpub_count

    // Webhooks and events.
    webhooks no_webhooks add_webhook url_hint all_events told_of enabled disabled failing failing_since enable disable send_test new_secret
    old_secret_until secret_once events more_events no_events search_events event_type object deliveries nobody told_nobody payload resend attempts
    no_attempts next_attempt answer took said

    // Keys.
    keys no_keys make_key name_of_key key_hint begins_with last_used revoke key_once

    // Payment links.
    links no_links search_links with_archived make_link amount_type amount_hint payer_says inventory sold sold_out ended button_text theme preview
    publish unpublish other_prices other_prices_hint fixed_terms

    // Chains.
    chains newest_block head_time final_block behind_by holes lost_blocks stopped reconciled differences node answers silent answered_at fault

    // Settings and members.
    settings setting holds comes_from default bounds to_default members name_of_person joined_at invite invite_hint guest
    guest_optional guest_hint make_invitation invitation_once invitations no_invitations invited_by invitation_open invitation_void take_back
    remove_member account present_password new_password change_password password_text

    // Two-step sign-in.
    two_step two_step_set_up two_step_change is_on is_off two_step_text two_step_begin two_step_scan two_step_qr two_step_key two_step_saved turn_on turn_off recovery_once recovery_left
    recovery_text

    // The sandbox.
    sandbox_pay sandbox_pay_order order_id or_reference payment_kind mine blocks advance seconds reorganise depth clock clock_run clock_freeze frozen
    running stop start_again stall unstall finality faults no_faults add_fault clear_faults fault_at pattern count applied
}

/// Every language, the one for everybody else first.
pub static LANGUAGES: [&Words; 2] = [&en::WORDS, &zh::WORDS];

impl Words {
    /// The language of a code such as `zh`, if it is spoken.
    #[must_use]
    pub fn of(code: &str) -> Option<&'static Self> {
        LANGUAGES.into_iter().find(|words| words.code() == code)
    }

    /// The first part of its tag.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.tag.split('-').next().unwrap_or(self.tag)
    }

    /// What a word of the API is called; one that this version does not know is shown as it is.
    #[must_use]
    pub fn word(&self, word: &str) -> String {
        (self.known)(word).unwrap_or(word).to_owned()
    }
}
