"""What every error and refusal code means and what to do about it, for `keeper explain`."""

from typing import Final

__all__ = ["CODES"]

ERRORS: Final[dict[str, str]] = {
    "ARGUMENT_INVALID": "An argument's value makes no sense. Nothing was sent. "
    "Amounts are decimals with at most as many places as the token has.",
    "BOND_UNKNOWN": "There is no bond market, project or note of that number or address, or it "
    "cannot be read. `keeper bond list` shows the markets there are.",
    "CALL_REVERTED": "A contract refused a read. The message carries its own error name; "
    "the vault may be in another state than the command expects.",
    "CAUSE_STANDS": "What stopped trading is still so: a loss is still beyond its limit, or the "
    "vault winds down. Nothing was changed. `keeper risk show` has the numbers; `--yes` accepts a "
    "loss, and the stops count anew; a vault that winds down never trades again.",
    "CHAIN_UNAVAILABLE": "The EVM node did not answer, or serves another chain. "
    "Check [evm] chain_id and rpc_url. "
    "A keeper that loses its node stops acting on the chain and resumes by itself.",
    "CONFIG_BAD_VALUE": "A value has the wrong type, unit or range. "
    "The description in the message names the unit; `keeper config schema` lists them all.",
    "CONFIG_CONTRADICTION": "Each field is valid, together they are not. "
    "For example more layers than the message limit carries.",
    "ADDRESS_TAKEN": "The address to serve on is in use, or not this machine's. "
    "Choose another port.",
    "CONFIG_ERROR": "The configuration cannot be read, lacks what this command needs, or does not "
    "fit the venue: another chain, an unknown market, an account or key that is not its own. "
    "`keeper config init` writes a commented one.",
    "CONFIG_INVALID": "The configuration has faults; each is listed with its line. "
    "Nothing was started.",
    "CONFIG_MISSING_KEY": "A mandatory key is missing. "
    "What can lose money has no default on purpose.",
    "CONTRACT_MISSING": "There is no contract at the vault's address on that chain. "
    "The address or the endpoint is wrong; `keeper addresses list` shows what is deployed.",
    "CONFIG_UNKNOWN_KEY": "A key is not known, often a misspelling. "
    "It is refused because a limit that is not read is no limit.",
    "CONTROL_REFUSED": "The running keeper does not know that market or verb; nothing was logged.",
    "ERROR": "The keeper refused on purpose; the message says why.",
    "FEED_UNAVAILABLE": "A public market-data endpoint did not answer or went silent. "
    "Check [leader] (or the addresses given) and whether it may be reached from here.",
    "FUNDS_MISSING": "The account lacks the token, the shares, the ether for gas, or an allowance. "
    "The message names the amounts and the command that fixes it.",
    "ENGINE_FAILED": "The keeper met an unforeseen error, recorded it, cancelled its quotes and "
    "stopped. Replay the journal to see the step that failed.",
    "INDEX_UNAVAILABLE": "The index of the journal (SQLite, in KEEPER_CACHE_DIR, else the user's "
    "cache folder) cannot be read or written. It holds nothing of its own: deleting it is safe, "
    "it is built again from the journal.",
    "INTERNAL": "A bug. Please report it with the text shown.",
    "JOURNAL_CORRUPT": "A record fails its checksum, sequence or hash chain. "
    "The keeper does not trade on it: restore the segment, or start a new journal folder.",
    "JOURNAL_MISSING": "The folder holds no journal segments. Check [journal] folder.",
    "KEY_UNAVAILABLE": "A key is not configured, its variable is not set, or it is not a key. "
    "The file names variables (NAME or NAME_FILE) or a keystore, never the key.",
    "NODE_REFUSED": "The EVM node answered with an error of its own; the message carries it.",
    "NOTHING_CLAIMABLE": "Nothing of the account has been settled and not yet claimed. "
    "`keeper vault requests` shows what waits and for how long.",
    "NO_OPEN_CUT": "The vault has no cut that awaits a report: it is open, or the report window "
    "has passed. `keeper vault cut` takes one when it is due.",
    "NOT_RUNNING": "No keeper answers on this journal's control socket. Start it: keeper run.",
    "OPERATION_PENDING": "The operator's word is in the log and acts by itself; "
    "its effect did not show within the time given. `keeper status` shows what is left.",
    "PNL_UNEXPLAINED": "Fills, funding, fees and transfers do not lead from one word of the venue "
    "on the account to its next, or an oracle price at a fill is missing; rather than a wrong "
    "profit none is shown. The message names the height and the difference.",
    "PARAMS_REFUSED": "Parameters were not taken; each reason is listed. The running ones stay.",
    "PARAM_LOOSENS": "What bounds a loss may be tightened while the keeper runs, and set back up "
    "to what it started with. To loosen it further, change the file and restart.",
    "PARAM_NEEDS_RESTART": "What names a market, a pool or a rule cannot change while the keeper "
    "runs. Set it in the file and restart.",
    "PARAM_UNKNOWN": "There is no such parameter. `keeper params show` lists them with their "
    "units.",
    "QUORUM_MISSED": "Fewer reporters signed than the contract's quorum. "
    "Each reporter's answer is listed; a refusal names the number it disagrees with.",
    "RECORDING_INVALID": "A market recording cannot be used: another format, updates that do not "
    "follow each other, a crossed snapshot or book, no snapshot, clocks running backwards. "
    "File and line are named; nothing was played. `keeper record` writes what is read.",
    "REPORT_REFUSED": "The contract refuses the report and names its own error with the numbers. "
    "Nothing was settled.",
    "REPLAY_MISMATCH": "Deciding the journal again gave other commands than it holds. "
    "The record is named; it was written by other code or changed afterwards.",
    "SCENE_FAILED": "A scene of the demonstration could not come to its end, so that nothing was "
    "shown. The message says what was missing.",
    "STRATEGY_DOMAIN": "A quoting rule's parameters lie outside what its formula allows; the "
    "message names the parameter and the bound. docs/strategies.md explains each rule.",
    "TRANSACTION_PENDING": "The transaction was sent but is not in a block yet. "
    "Look its hash up before sending anything again.",
    "TRANSACTION_REFUSED": "The transaction would revert, or reverted. "
    "The dry run costs nothing and names the contract's error.",
    "USAGE": "The command line is wrong; see --help.",
    "VENUE_REFUSED": "The venue's chain refused a transaction for good; the message carries its "
    "own code and words. Nothing but the fee changed.",
    "VENUE_UNAVAILABLE": "The venue's gRPC, REST or websocket endpoint did not answer. "
    "Check [venue] and the endpoint's health; nothing was sent.",
    "WRONG_RELEASE": "The journal was written by another release, and only that one can decide it "
    "again. `keeper journal upgrade` lets this one go on with it if it ended cleanly; "
    "else install the version the message names.",
    "WIRE_ERROR": "A venue or contract answered in an unexpected shape; "
    "its version may be newer than this keeper.",
}
REFUSALS: Final[dict[str, str]] = {
    "ACCOUNT_UNKNOWN": "The venue has not told the subaccount's state yet; nothing is quoted.",
    "ASSET_PRICE": "The price of the vault's asset is older than max_asset_price_age_seconds, or "
    "its feed was not read yet (-1): nothing that raises net delta, no allocation, range or "
    "purchase. Numbers are seconds.",
    "BOOK_CROSSED": "Best bid at or above best ask: the book is wrong, quotes are pulled. "
    "Limit and value are the best ask and the best bid in subticks.",
    "BOOK_ONE_SIDED": "One side of the book is empty; nothing is quoted against it.",
    "CLOCK_SKEW": "The venue's block time and our clock differ by more than max_clock_skew_ms. "
    "Check the machine's time.",
    "DAILY_LOSS": "The day's loss reached daily_loss_quote_quantums: the vault exits. "
    "`keeper resume` accepts the loss and starts again.",
    "DEPEG": "The price of the vault's asset is farther from 1 than max_depeg_ppm: nothing that "
    "raises net delta, no allocation, range or purchase.",
    "DEPTH": "The position would be larger than depth_refills times what the closing side of the "
    "book shows within depth_band_ppm of its best price; numbers are base quantums.",
    "DRAWDOWN": "Profit fell from its high by more than drawdown_ppm: the vault exits. "
    "`keeper resume` accepts it and starts again.",
    "EXITING": "The vault is exiting: only orders that reduce the position are sent.",
    "FUNDING": "Funding is beyond max_funding_ppm_per_day: the side that pays it raises nothing. "
    "Numbers are ppm a day.",
    "HALTED": "The vault is halted: no order is sent at all. `keeper resume` starts again.",
    "INTENT_AGE": "A command was older than max_intent_age_ms when it would have been sent: it is "
    "dropped and decided again. Judged command by command, so no number stands for it.",
    "INVENTORY_BEYOND_CURVE": "The inventory is more than the rule's curve holds: the range, or "
    "the virtual reserve, is used up on that side. Numbers are base quantums of the reserve.",
    "LEADER_BASIS": "The leader's average distance from the oracle is more than max_basis_ppm: "
    "it is another asset, or one of the two is wrong. Quotes are pulled.",
    "LOSS_WINDOW": "Profit fell by more than loss_window_quote_quantums within "
    "loss_window_minutes: the vault exits. `keeper resume` accepts the loss and starts again.",
    "MARGIN": "Filled at their worst the orders would need more margin than the subaccount has; "
    "sizes shrink until it suffices. Numbers are 1e-6 USDC.",
    "MARKET_FACTS": "Open interest, volume and funding are older than max_market_facts_age_ms, or "
    "the venue never told them (-1): nothing that raises net delta is sent.",
    "MARKET_STATUS": "The venue's status of the market does not allow this order.",
    "MAX_GROSS": "All open exposure together would exceed max_gross_quote_quantums.",
    "MAX_ORDER": "The order is larger than max_order_quote_quantums.",
    "MAX_POSITION": "Filled at worst, and with the pools at the worse end of their ranges, net "
    "delta would exceed max_position_quote_quantums.",
    "MESSAGE_RATE": "The block's message limit (max_messages_per_block) is used up.",
    "LAYER_BEYOND_BAND": "A layer's price lies farther from the reference than price_band_ppm; it "
    "is never sent. Lower the spread, or raise the band.",
    "NOT_ACTIVATED": "The quote balance is below activation_threshold_quote_quantums.",
    "NOT_REDUCING": "A reduce-only order would not reduce the position.",
    "NO_EQUITY": "The subaccount has no positive equity; there is nothing to quote with.",
    "ORDER_BEYOND_WIRE": "One order would be larger than the venue's messages carry (64 bits of "
    "base quantums); the equity or the price is wrong.",
    "ORDER_BELOW_STEP": "One order would be worth less than the market's step; limit and value are "
    "1e-6 USDC. Raise the order size, or the equity.",
    "OPEN_INTEREST": "The position would be more than max_open_interest_ppm of the market's open "
    "interest; numbers are base quantums.",
    "ORDER_TO_TRADE": "The market's messages for a price or a size, within window_seconds, are as "
    "many as the cap allows for its fills: free_messages plus (max_ratio + 1) for each fill; "
    "renewals are not counted. Only renewals, cancels and steps back leave until some of them are "
    "older. Raise the tolerances or min_resting_ms, quote fewer layers, or raise the cap.",
    "ORDER_TO_TRADE_VOLUME": "The same by volume: the messages beyond the free ones offered "
    "more than (max_volume_ratio + 1) times what filled; numbers are base quantums.",
    "PAUSED": "A person paused the market. `keeper resume MARKET` quotes it again.",
    "PRICE_ABSURD": "A price is less than one tick, more than an order can carry, or far from the "
    "market's own book: something that feeds it is wrong, and nothing is quoted. Numbers are "
    "subticks.",
    "PRICE_BAND": "The price is farther from the reference than price_band_ppm.",
    "PRICE_TICK": "The price is not a multiple of the market's tick.",
    "QUOTES_GIVE_AWAY": "A reducing quote is farther beyond the reference than an immediate order "
    "may cost (hedge_max_slippage_ppm), now or at the edge of the inventory band, beyond which "
    "such orders bring it back; it is never sent. Numbers are ppm. Lower the skew or the band.",
    "REDUCING": "The vault is reducing: nothing that raises the position is sent.",
    "REFERENCE_APART": "A source of the reference price is farther from it than pull_band_ppm; "
    "quotes are pulled until oracle, leader and book agree.",
    "REFERENCE_WIDE": "A source of the reference price is farther from it than band_ppm; "
    "quotes stand farther out by the excess.",
    "REPORT_AGE": "The last settled report is older than max_report_age_seconds: nothing that "
    "raises net delta, no allocation, range or purchase. Look at the reporters: `keeper report "
    "preview`.",
    "SESSION_CLOSED": "The market is outside the windows of its session overlay; nothing is "
    "quoted. Limit and value are the next opening and now, in minutes since Monday 00:00 UTC.",
    "SHIFT_BEYOND_SPREAD": "Overlays together may move the quotes farther than the half spread, so "
    "that a flat market would bid above, or ask below, its reference; numbers are ppm. "
    "Lower their greatest shifts.",
    "SIZE_STEP": "The size is zero or not a multiple of the market's step. "
    "Orders are never enlarged to fit.",
    "SOURCE_DOWN": "A data source is lost; what it said is stale at once.",
    "STRESS": "A move of all markets together by stress_shock_ppm would cost more than "
    "stress_loss_multiple times daily_loss_quote_quantums, all quotes filled and the pools at the "
    "worse end of their ranges; nothing that raises that is sent. Numbers are 1e-6 USDC.",
    "SPREAD_BELOW_FEE": "The half spread does not pay the maker fee of the account's tier; numbers "
    "are ppm.",
    "SPREAD_BELOW_TICK": "The half spread is less than one tick of the market; numbers are "
    "subticks.",
    "STALE_BOOK": "The book is older than book_max_age_ms; quotes are pulled.",
    "STALE_HEIGHT": "The venue's height is older than max_height_age_ms; quotes are pulled.",
    "STALE_LEADER": "The leader's quote is older than its max_age_ms, or unknown (-1). "
    "Quotes are pulled or widened, as on_missing says. Check [leader] and its exchange.",
    "STALE_ORACLE": "The oracle price is older than oracle_max_age_ms; quotes are pulled.",
    "TAKEOVER": "Another keeper's orders may still live; quoting starts above their last block.",
    "VENUE_BAND": "The price is farther from the leader's or a pool's than other_venue_band_ppm.",
    "VOLUME": "The position would be more than max_volume_ppm of what the market trades in 24 "
    "hours; numbers are base quantums.",
    "ZERO_ORACLE": "The oracle price is zero; nothing is quoted.",
    "ZERO_REFERENCE": "The reference price is zero or less; nothing is quoted.",
}
CHAIN_REFUSALS: Final[dict[str, str]] = {
    "CHAIN_FAILS": "Several transactions of an adapter failed in a row; the keeper goes on trying "
    "ever more slowly. The log's CommandResult names the contract's error.",
    "CLAIM": "More was to be claimed for a controller than was settled for it.",
    "CLAIM_FLOOR": "The claim is worth less than claim_floor_assets; its controller can claim "
    "itself: `keeper vault claim`.",
    "MOVE_NOT_WORTH": "The range is off centre, but the fees expected from a new one do not exceed "
    "gas, slippage and the loss to arbitrage; it stays. Limit and value are those costs and the "
    "fees, in asset units.",
    "COOLDOWN": "The adapter's cooldown since its last operation has not passed (unix seconds).",
    "CUT_EARLY": "The contract does not allow the next cut yet (unix seconds).",
    "DEADLINE": "The transaction's deadline is past, or farther away than the settings allow.",
    "EXIT_DONE": "The exit is complete: no order, range or position is left.",
    "GAS_CEILING": "The chain's base fee is above max_base_fee_wei: allocations, ranges and "
    "purchases wait; exits, redemptions and reports do not. Numbers are wei.",
    "HEDGE_MARGIN": "The shorts that hedge the pools would not survive a rise by hedge_shock_ppm "
    "without fresh collateral: no range is minted and no base token bought, and ranges shrink "
    "until they would. Limit and value are equity and what they take, in 1e-6 USDC.",
    "IDLE_SHORT": "Less is free than asked for: what is owed to redemptions is never moved out.",
    "LIQUIDITY": "The range does not hold that much liquidity, or none was asked for.",
    "LOSSES_SPENT": "The vault lost what its keeper may lose in a day or a month: the mandate "
    "allows no allocation, new range or purchase before the moment given (unix seconds). Ranges "
    "are still left, what they held is sold for the vault's asset at a fair price, and redemptions "
    "are paid. Find out what lost before it trades on.",
    "MARKET_UNKNOWN": "The venue has not listed the market, or it is not configured.",
    "MAX_LP": "All ranges in pools together would be worth more than max_lp_quote_quantums.",
    "MIN_ON_CHAIN": "The move would leave less on the chain than the vault's minimum.",
    "NOTHING_SETTLED": "No report has settled a cut for settlement_alert_seconds; after 7 days "
    "anyone may end the vault. Look at the reporters: `keeper report preview`.",
    "NO_REPORTERS": "A cut is due, and no [relay] names reporters to ask for its report: it is not "
    "taken, for an unreported cut only keeps requests from being cancelled.",
    "NOT_KEEPER": "The vault's contract names another keeper than this account: halted, nothing is "
    "sent. Once it names this one: `keeper resume`.",
    "OTHER_CUT": "The signed report is not of the cut that is open.",
    "PAYMENT_LATE": "Redemptions of a cut are unpaid and nearly 3 days old, or older. Capital is "
    "on its way home or cannot come: `keeper status`, the treasurer's log, the venue's margin.",
    "PENALTY_NEAR": "A cut is unpaid for nearly 4 days: from the moment given anyone may burn 2 % "
    "of the keeper's stake for each full day (`keeper vault stake show`). Bring capital home.",
    "POOL_OFF_MARK": "The pool's price is farther from the feed than max_slippage_ppm.",
    "POOL_TOO_THIN": "The pool cannot take even a small swap within max_slippage_ppm.",
    "QUORUM": "Fewer reporters signed than the contract's quorum; they are asked again.",
    "REPORT_MISSING": "The report window (6 h) of the open cut is nearly over and no quorum has "
    "signed. `keeper report preview` shows each reporter's answer; a lapsed cut is taken again.",
    "REPORT_WINDOW": "The report window of the cut has passed (unix seconds): it has lapsed.",
    "SLIPPAGE": "The transaction's own bounds would allow more slippage than max_slippage_ppm.",
    "SNAPSHOT_AGE": "The pool's state is older than snapshot_max_age_ms: no operation in it, and "
    "no quote in the market that hedges it, until the chain is seen again.",
    "STAKE_LOW": "The keeper's stake leaves less room for deposits than stake_room_alert_ppm of "
    "NAV: more of them are carried, not filled. Lock more: `keeper vault stake lock SHARES`.",
    "STALE_VAULT": "The vault's state is too old to move capital by.",
    "VAULT_PAUSED": "The guardian paused deposit requests and new risk until the moment given "
    "(unix seconds).",
    "VAULT_STATE": "The vault is not OPEN; capital moves out only then.",
    "WIND_DOWN": "The vault winds down: quotes are off for ever, the position is closed as the "
    "ranges go. Anyone lets the contracts leave those; nobody can resume.",
    "WIND_DOWN_NEAR": "For nearly 7 days nothing has settled, or a cut is unpaid: after that "
    "anyone may end the vault for ever (`keeper vault wind-down status`).",
    "VENUE_CAP": "The order-book venue would hold more than the vault's cap.",
    "ZERO_MARK": "The feed's price is not above zero.",
}
REPORTERS: Final[dict[str, str]] = {
    "FILLS_INCOMPLETE": "The venue's public fills do not add up to the position it states; "
    "nothing is attributed by a guess. Ask again once the indexer is complete.",
    "NO_ORACLE_AT_FILL": "The oracle price at a fill's block was not captured in time.",
    "UNEXPLAINED": "Equity changed by more than spread, inventory, funding and fees explain.",
    "UNKNOWN_MARKET": "A fill is in a market the venue does not list at the cut.",
    "CAPTURE_LATE": "The reporter saw the venue's block too long after the cut, so its numbers "
    "prove nothing; limit and value are nanoseconds. Cut again.",
    "INDEXER_BEHIND": "The venue's indexer has not processed the cut's height yet; ask again.",
    "JOURNAL_BEHIND": "The keeper's journal this reporter has does not show the cut yet.",
    "JOURNAL_OTHER_RELEASE": "The keeper's journal was written by a release other than this one.",
    "JOURNAL_SHADOW": "The journal is a shadow run's: nothing in it was ever sent.",
    "JOURNAL_REPLAY_DIFFERS": "The keeper's journal does not replay to the commands it holds.",
    "NOT_A_REPORTER": "This key is not in the contract's current set of reporters.",
    "NO_CAPTURE": "The reporter has no captured state of this cut, so it cannot sign about it.",
    "NO_PREVIOUS_CAPTURE": "The state the last report rests on is neither kept nor readable.",
    "REPORT_DIFFERS": "A field of the proposed report is not what this reporter computed; "
    "the field and both numbers are named.",
    "SIGNED_OTHER": "This reporter already signed another report for this cut; it never signs two.",
    "UNKNOWN_LEG": "The vault has an attested adapter this reporter has no venue account for.",
}
CODES: Final = ERRORS | REFUSALS | CHAIN_REFUSALS | REPORTERS
