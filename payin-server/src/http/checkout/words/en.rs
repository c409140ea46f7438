//! English.

use payin_core::link::Closed;

use super::Words;

pub(super) static WORDS: Words = Words {
    tag: "en",
    name: "English",
    languages: "Language",

    payment: "Payment",
    test_network: "Test network",
    open_title: "Waiting for your payment",
    open: |amount, network| format!("Send exactly {amount} on {network}."),
    short_title: "Part of your payment has arrived",
    short: |arrived, missing| format!("{arrived} have arrived. Send the missing {missing} to the same address."),
    grace_title: "The time to pay is over",
    grace: "Please do not send anything now. If you have already paid, keep this page open: your payment still counts if the network takes it in within the time below.",
    grace_short: |arrived, amount| {
        format!(
            "{arrived} of {amount} have arrived. Please do not send the rest now. If you have already sent it, keep this page open: it still counts if the network takes it in within the time below."
        )
    },
    closing_title: "Checking for a last payment",
    closing: "The time is over. The last blocks of the network are being checked; this page will tell you the result.",
    confirming_title: "Payment seen",
    confirming: "Your payment was seen on the network and is being confirmed. You do not have to do anything more.",
    paid_title: "Payment complete",
    paid: |arrived| format!("{arrived} have been received. Thank you."),
    taken_back_title: "The network took the payment back",
    taken_back: "The payment had been confirmed, and the network has dropped it since. If it comes back, this page says so. Please contact the seller before you pay again.",
    expired_title: "This payment has expired",
    expired: "No payment arrived in time. Please do not send anything to this address any more: go back to the seller and start again.",
    expired_short: |arrived, amount| {
        format!(
            "Only {arrived} of {amount} arrived in time. Please do not send the rest: contact the seller about what they have received."
        )
    },
    late_title: "Your payment came too late",
    late: "It arrived after the time was over and does not count by itself. Please do not send anything more. The seller can see it: contact them and name the payment ID below.",
    late_short: |arrived, amount| {
        format!(
            "{arrived} of {amount} arrived in time. What came after the time was over does not count by itself. Please do not send anything more. The seller can see all of it: contact them and name the payment ID below."
        )
    },
    time_to_pay: "Time left to pay",
    time_to_arrive: "Time left to arrive",
    until: |time| format!("until {time}"),
    confirmations: |have, of| format!("{have} of {of} confirmations"),
    steps: "Progress",
    step_sent: "Pay",
    step_seen: "Seen",
    step_confirmed: "Confirmed",
    excess: |excess| format!("That is {excess} more than asked for. The seller can see it: contact them if you want it back."),
    token_on: |token, network| format!("{token} on {network}"),
    stray: |came, wanted| {
        format!("{came} arrived. This payment takes only {wanted}, so that does not count. The seller can see it: contact them.")
    },
    stray_late: |came| format!("{came} arrived after the time was over."),

    how_to_pay: "How to pay",
    amount: "Amount",
    missing_amount: "Missing amount",
    missing_of: |amount| format!("still missing of {amount}"),
    address: "Address",
    qr_address: "Address",
    qr_request: "Wallet link",
    qr_of_address: "QR code of the address",
    qr_of_request: "QR code of the wallet link",
    request_hint: "For wallets that read such links. Check amount and network before you send.",
    open_wallet: "Open in a wallet app",
    copy: "Copy",
    copied: "Copied",
    copy_amount: "Copy the amount",
    copy_address: "Copy the address",
    only: |wanted| format!("Send only {wanted}."),
    only_why: |network| format!("Other tokens, and the same token on a network other than {network}, do not count and may be lost."),
    exchange_title: "Paying from an exchange?",
    exchange: |network| {
        format!(
            "Choose {network} as the network of the withdrawal. The amount above must arrive here: if the exchange takes its fee from it, withdraw more by that fee. What stays inside the exchange never arrives."
        )
    },
    wallet_pay: "Pay with browser wallet",
    wallet_waits: "Confirm in your wallet…",
    wallet_sent: "Sent. This page will show it as soon as the network has it.",
    wallet_declined: "You declined in your wallet. Nothing was sent.",
    wallet_network: |network| format!("Your wallet does not know {network}, or did not change to it. Nothing was sent."),
    wallet_failed: "Your wallet could not send the payment. Check there whether anything was sent before you try again.",

    deposit_title: "Your deposit address",
    deposit: "Send as much as you like, whenever you like. It is credited to you once the network has confirmed it.",
    deposit_others: "What is not listed below, on a network that is not listed, is not credited and may be lost.",
    deposit_taken: "What is credited here",

    back: "Back to the seller",
    going_back: "You are taken back to the seller in a few seconds.",
    stay: "Stay here",
    details: "Payment details",
    payment_id: "Payment ID",
    network: "Network",
    token_contract: "Token contract",
    transaction: "Transaction",
    transaction_besides: "Transaction that does not count",
    received: "Received",
    created: "Created",
    looks_again: "This page looks for news by itself every 15 seconds.",
    look_again: "Look now",
    keep_open: "This page shows your payment as soon as the network has it.",

    preview: "This is a preview: only you see it, and nothing can be sent from it.",
    preview_back: "Back to the payment link",
    link_unit: |left| if left == 1 { "The last one".to_owned() } else { format!("{left} left") },
    link_until: |time| format!("Offered until {time}"),
    sold_out_title: "Sold out",
    sold_out: "Everything is sold, or waits for somebody's payment. If one of these is not paid, it is offered here again.",
    pay_with: "Pay with",
    your_amount: "Amount you want to pay",
    your_amount_hint: "For example 25.00",
    email: "E-mail (optional)",
    email_hint: "For the seller, so that they can reach you about this payment.",
    go_on: "Continue",
    no_account: "Next you see the address to pay to, and how much time you have. You need no account.",
    closed_title: |closed| match closed {
        Closed::NotOffered => "Not offered at the moment",
        Closed::Expired => "This offer has ended",
    },
    closed: |closed| match closed {
        Closed::NotOffered => "The seller does not offer this at the moment. Ask them for a new link.",
        Closed::Expired => "Its time is over. Ask the seller for a new link.",
    },

    bad_amount: "Enter an amount such as 25.00: digits with a point, no more decimals than the token has.",
    bad_email: "Enter an e-mail address such as ada@example.org, or leave the field empty.",
    bad_choice: "Choose one of the ways to pay.",
    no_addresses: "The seller has no free address at the moment. Please try again in a few minutes. Nothing was charged.",
    chain_away: "This network cannot be used at the moment. Choose another one, or try again in a few minutes.",
    too_many_orders: "Too many payments that were begun here are still open. Finish one of them, or try again later.",
    not_found_title: "There is no such payment",
    not_found: "Check that the link is complete, or ask the seller for a new one.",
    too_often_title: "One moment, please",
    too_often: "Your network has asked for many pages within a short time. Please wait a minute, then load this page again. A payment that is under way is not affected.",
    foreign_title: "This did not come from our page",
    foreign: "For your safety nothing was done. Open the payment link itself and start from there.",
    trouble_title: "Something went wrong",
    trouble: "Please load this page again in a moment. A payment that is under way is not affected.",
    request_id: "If you ask for help, name this request",
};
