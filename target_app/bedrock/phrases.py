"""What the emulated models have to say about manga, in two languages, and small closing words of every needed length.

`{title}` is filled with a title the request itself names, or a word that stands for one: an answer names no title and
no price that it was not given. Without sources English is pure ASCII and Japanese pure non-ASCII; closing words always
are, and of whole tokens, so that lengths are exact. The invented titles are nobody's: they are what a fault lets the
model dream up.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """One language's sentences. `closers` pairs lengths in tokens with words of exactly that length, largest first.

    `facts` are said of each of the sources, by query type; `{stock}` there is `in_stock`, `sold_out` or
    `unknown_stock`.
    """

    characters_per_token: int
    joint: str
    quoted: str
    unnamed: str
    in_stock: str
    sold_out: str
    unknown_stock: str
    facts: dict[str, tuple[str, ...]]
    invented: str
    invented_titles: tuple[str, ...]
    titles: tuple[str, ...]
    openers: dict[str, str]
    sentences: tuple[str, ...]
    closers: tuple[tuple[int, str], ...]


ENGLISH = Phrasebook(
    characters_per_token=4,
    joint=" ",
    quoted='"{}"',
    unnamed="this series",
    in_stock="we have {} in stock",
    sold_out="it is out of stock at the moment",
    unknown_stock="I will gladly check the shelf for you",
    facts={
        "product_lookup": (
            "{title} volume {volume} by {author}: {stock}.",
            "It costs {price}, and it came out on {date}.",
        ),
        "price_check": (
            "{title} volume {volume} is {price} with tax.",
            "As for the copy you asked about, {stock}.",
        ),
        "recommendation": ("Try {title} by {author}: volume {volume} is {price}, and {stock}.",),
        "manga_summary": ("{title} is by {author}; volume {volume} came out on {date} and costs {price}.",),
        "other": ("{title} volume {volume} came out on {date} and costs {price}; {stock}.",),
    },
    invented="Do not miss {title}, now only {price} a volume.",
    invented_titles=("Lanterns of the Ninth Ferry", "The Clockmaker of Lake Suwa", "Salt Road Postmen"),
    titles=(
        "Attack on Titan",
        "Berserk",
        "Bleach",
        "Blue Lock",
        "Chainsaw Man",
        "Death Note",
        "Demon Slayer",
        "Dragon Ball",
        "Frieren",
        "Fullmetal Alchemist",
        "Haikyu!!",
        "Hunter x Hunter",
        "Jujutsu Kaisen",
        "Kaguya-sama",
        "Monster",
        "My Hero Academia",
        "Naruto",
        "One Piece",
        "One-Punch Man",
        "Sailor Moon",
        "Slam Dunk",
        "Spy x Family",
        "Vagabond",
        "Vinland Saga",
    ),
    openers={
        "greeting": "Hello, and welcome to MangaAssist.",
        "product_lookup": "Let me look up {title} for you.",
        "price_check": "Here is what I can tell you about the price of {title}.",
        "order_status": "I have checked your order.",
        "recommendation": "If you enjoyed {title}, you have plenty to look forward to.",
        "manga_summary": "Here is a summary of {title}, with as few surprises given away as I can manage.",
        "other": "Thank you for your question.",
    },
    sentences=(
        "The artwork of {title} rewards a slow second reading.",
        "Its early chapters build the world, and the later ones put every promise to the test.",
        "Readers often praise how {title} balances humour with quiet, serious moments.",
        "The paperback edition is printed on good paper and keeps the colour pages of the first chapters.",
        "A box set is the simplest way to start, because it leaves no gaps between the volumes.",
        "The main rivals grow together, so their final meeting feels earned.",
        "I would start with the first volume and read on from there.",
        "New volumes usually reach our shelves within a week of their release.",
        "Many fans of {title} also enjoy slower stories about travel, food and friendship.",
        "The author takes time to show why each side believes it is right.",
        "Every arc closes one question and quietly opens another.",
        "The pacing is brisk, and the fight scenes are easy to follow on the page.",
        "We can ship it together with the rest of your basket.",
        "There is a helpful list of characters at the front of each book.",
        "For younger readers, I would suggest a look inside before buying.",
        "The supporting cast of {title} carries as much of the story as its hero.",
        "Its ending has been much discussed, and it holds up well.",
        "You will find both the translated and the original edition in our shop.",
        "Small details in the background turn out to matter many volumes later.",
        "If you tell me what you read last, I can narrow this down.",
        "The tone darkens step by step, though hope never quite leaves the page.",
        "Collectors look for the first printing with its dust jacket.",
        "The story is complete, so you can read it without waiting for the next part.",
        "What stays with most readers is the friendship at the heart of {title}.",
    ),
    closers=(
        (16, " Come back whenever you like, and we will look for the next one."),
        (8, " May I put a copy aside for you?"),
        (7, " It is in stock at our shop."),
        (6, " Tell me what you think!"),
        (5, " Have fun with this!"),
        (4, " Enjoy the ride!"),
        (3, " Great pick!"),
        (2, " Thanks!"),
        (1, " OK."),
    ),
)

JAPANESE = Phrasebook(
    characters_per_token=1,
    joint="",
    quoted="『{}』",
    unnamed="この作品",
    in_stock="在庫は{}点ございます",
    sold_out="ただいま在庫を切らしております",
    unknown_stock="在庫は店頭でお調べします",
    facts={
        "product_lookup": (
            "{title}第{volume}巻({author})は、{stock}。",
            "税込{price}、発売日は{date}です。",
        ),
        "price_check": (
            "{title}第{volume}巻は税込{price}です。",
            "お問い合わせの巻は、{stock}。",
        ),
        "recommendation": ("{author}の{title}はいかがでしょうか。第{volume}巻は{price}、{stock}。",),
        "manga_summary": ("{title}は{author}の作品で、第{volume}巻は{date}に{price}で発売されました。",),
        "other": ("{title}第{volume}巻は{date}発売、{price}です。{stock}。",),
    },
    invented="{title}も一冊{price}でお求めいただけます。",
    invented_titles=("九番目の渡し船", "諏訪湖の時計職人", "塩の道の郵便屋"),
    titles=(
        "進撃の巨人",
        "ベルセルク",
        "チェンソーマン",
        "デスノート",
        "鬼滅の刃",
        "ドラゴンボール",
        "葬送のフリーレン",
        "鋼の錬金術師",
        "ハイキュー",
        "呪術廻戦",
        "かぐや様は告らせたい",
        "僕のヒーローアカデミア",
        "ナルト",
        "ワンピース",
        "ワンパンマン",
        "美少女戦士セーラームーン",
        "スラムダンク",
        "スパイファミリー",
        "バガボンド",
        "ヴィンランド・サガ",
        "名探偵コナン",
        "よつばと",
        "宝石の国",
        "キングダム",
    ),
    openers={
        "greeting": "こんにちは、マンガアシストへようこそ。",
        "product_lookup": "{title}の在庫をお調べします。",
        "price_check": "{title}の価格についてご案内します。",
        "order_status": "ご注文の状況を確認しました。",
        "recommendation": "{title}がお好きでしたら、きっと楽しめる作品があります。",
        "manga_summary": "{title}のあらすじを、結末に触れずにご紹介します。",
        "other": "お問い合わせありがとうございます。",
    },
    sentences=(
        "{title}は絵の迫力が魅力です。",
        "序盤で世界観を丁寧に描き、後半で一気に物語が動きます。",
        "笑える場面と静かな場面の緩急が見事です。",
        "初めての方には第一巻から順に読むことをおすすめします。",
        "新刊は発売日の当日に店頭に並びます。",
        "登場人物の成長が物語の大きな軸になっています。",
        "{title}は家族や友情について考えさせられます。",
        "全巻セットなら買い忘れの心配がありません。",
        "戦いの場面は構図が分かりやすく、読みやすいです。",
        "敵にも譲れない理由があり、話に深みがあります。",
        "電子版と紙の本のどちらもご用意しています。",
        "背景の細かな描写が後の展開につながります。",
        "完結しているので最後まで続けて読めます。",
        "脇役まで魅力的なのが{title}の良いところです。",
        "ご自宅へのお届けは通常二日ほどかかります。",
        "初版の帯付きは数が少なくなっています。",
        "お子さまには試し読みをしてからの購入が安心です。",
        "読み終えたあとに余韻が残る一作です。",
        "似た雰囲気の作品も多数取り揃えています。",
        "好みを教えていただければさらに絞り込めます。",
    ),
    closers=(
        (16, "またいつでもお声がけくださいね。"),
        (8, "おすすめですよ。"),
        (4, "どうぞ。"),
        (2, "ぜひ"),
        (1, "♪"),
    ),
)
