/** What notices say, in the languages that Custos begins with. Plain words; nothing beyond what was decided. */
export type Words = {
  removed: string
  decided: string
  rule: string
  education: string
  warned: string
  suspended: string
  disabled: string
  ended: string
  automatic: string
  partly: string
  person: string
  appeal: string
  reversed: string
  modified: string
  upheld: string
  appealReceived: string
  nothing: string
}

const en: Words = {
  removed: 'We removed your content of {date} in {context}.',
  decided: 'We made a decision about your activity of {date} in {context}.',
  rule: 'Why: {title}. {text}',
  education: 'This is the first time, so it has no further effect. Please read the rule.',
  warned: 'This is a warning. It counts until {until}.',
  suspended: 'Until {until} you cannot use: {features}.',
  disabled: 'Your account is disabled.',
  ended: 'It has no further effect on your account now.',
  automatic: 'This was found and decided automatically.',
  partly: 'Automation took part in this, and a person did too.',
  person: 'A person decided this.',
  appeal: 'If you think this is wrong, you can appeal until {until}.',
  reversed: 'We looked again and our decision was wrong. It is reversed, with all that followed from it. We are sorry.',
  modified: 'We looked again and changed our decision.',
  upheld: 'We looked again and our decision stands.',
  appealReceived: 'We have your appeal. Somebody who did not make the decision will look at it.',
  nothing: 'You need to do nothing.',
}
const es: Words = {
  removed: 'Hemos retirado tu contenido del {date} en {context}.',
  decided: 'Hemos tomado una decisión sobre tu actividad del {date} en {context}.',
  rule: 'Motivo: {title}. {text}',
  education: 'Es la primera vez, así que no tiene más consecuencias. Lee la norma, por favor.',
  warned: 'Esto es una advertencia. Cuenta hasta el {until}.',
  suspended: 'Hasta el {until} no puedes usar: {features}.',
  disabled: 'Tu cuenta está desactivada.',
  ended: 'Ahora ya no tiene consecuencias para tu cuenta.',
  automatic: 'Se detectó y decidió de forma automática.',
  partly: 'Intervinieron un sistema automático y una persona.',
  person: 'Lo decidió una persona.',
  appeal: 'Si crees que es un error, puedes recurrir hasta el {until}.',
  reversed: 'Lo hemos revisado y nos equivocamos. La decisión queda anulada con todas sus consecuencias. Lo sentimos.',
  modified: 'Lo hemos revisado y hemos cambiado la decisión.',
  upheld: 'Lo hemos revisado y mantenemos la decisión.',
  appealReceived: 'Hemos recibido tu recurso. Lo revisará alguien que no tomó la decisión.',
  nothing: 'No tienes que hacer nada.',
}
const de: Words = {
  removed: 'Wir haben deinen Inhalt vom {date} in {context} entfernt.',
  decided: 'Wir haben über dein Verhalten vom {date} in {context} entschieden.',
  rule: 'Grund: {title}. {text}',
  education: 'Es ist das erste Mal, darum hat es keine weiteren Folgen. Bitte lies die Regel.',
  warned: 'Das ist eine Verwarnung. Sie zählt bis {until}.',
  suspended: 'Bis {until} kannst du nicht nutzen: {features}.',
  disabled: 'Dein Konto ist gesperrt.',
  ended: 'Es hat jetzt keine Folgen mehr für dein Konto.',
  automatic: 'Das wurde automatisch erkannt und entschieden.',
  partly: 'Daran waren ein automatisches System und ein Mensch beteiligt.',
  person: 'Das hat ein Mensch entschieden.',
  appeal: 'Wenn du das für falsch hältst, kannst du bis {until} Beschwerde einlegen.',
  reversed:
    'Wir haben noch einmal geprüft: Unsere Entscheidung war falsch. Sie ist mit allen Folgen aufgehoben. Es tut uns leid.',
  modified: 'Wir haben noch einmal geprüft und unsere Entscheidung geändert.',
  upheld: 'Wir haben noch einmal geprüft. Unsere Entscheidung bleibt bestehen.',
  appealReceived: 'Deine Beschwerde ist da. Jemand, der nicht entschieden hat, prüft sie.',
  nothing: 'Du musst nichts tun.',
}
const fr: Words = {
  removed: 'Nous avons retiré votre contenu du {date} dans {context}.',
  decided: 'Nous avons pris une décision sur votre activité du {date} dans {context}.',
  rule: 'Motif : {title}. {text}',
  education: "C'est la première fois : il n'y a pas d'autre conséquence. Veuillez lire la règle.",
  warned: "Ceci est un avertissement. Il compte jusqu'au {until}.",
  suspended: "Jusqu'au {until}, vous ne pouvez pas utiliser : {features}.",
  disabled: 'Votre compte est désactivé.',
  ended: "Il n'y a plus de conséquence pour votre compte.",
  automatic: 'Cela a été détecté et décidé automatiquement.',
  partly: 'Un système automatique et une personne y ont pris part.',
  person: "C'est une personne qui a décidé.",
  appeal: "Si vous pensez que c'est une erreur, vous pouvez faire appel jusqu'au {until}.",
  reversed:
    'Nous avons revu notre décision : elle était erronée. Elle est annulée avec toutes ses conséquences. Nous en sommes désolés.',
  modified: 'Nous avons revu notre décision et nous la modifions.',
  upheld: 'Nous avons revu notre décision et nous la maintenons.',
  appealReceived: "Nous avons reçu votre appel. Quelqu'un qui n'a pas pris la décision l'examinera.",
  nothing: "Vous n'avez rien à faire.",
}
const pt: Words = {
  removed: 'Removemos o seu conteúdo de {date} em {context}.',
  decided: 'Tomámos uma decisão sobre a sua atividade de {date} em {context}.',
  rule: 'Motivo: {title}. {text}',
  education: 'É a primeira vez, por isso não há mais consequências. Leia a regra, por favor.',
  warned: 'Isto é um aviso. Conta até {until}.',
  suspended: 'Até {until} não pode usar: {features}.',
  disabled: 'A sua conta está desativada.',
  ended: 'Agora já não tem consequências para a sua conta.',
  automatic: 'Foi detetado e decidido automaticamente.',
  partly: 'Um sistema automático e uma pessoa participaram.',
  person: 'Foi uma pessoa que decidiu.',
  appeal: 'Se acha que é um erro, pode recorrer até {until}.',
  reversed: 'Revimos a decisão e estava errada. Foi anulada com todas as consequências. Pedimos desculpa.',
  modified: 'Revimos a decisão e alterámo-la.',
  upheld: 'Revimos a decisão e mantemo-la.',
  appealReceived: 'Recebemos o seu recurso. Será visto por alguém que não tomou a decisão.',
  nothing: 'Não precisa de fazer nada.',
}
const ar: Words = {
  removed: 'أزلنا المحتوى الذي نشرته بتاريخ {date} في {context}.',
  decided: 'اتخذنا قرارًا بشأن نشاطك بتاريخ {date} في {context}.',
  rule: 'السبب: {title}. {text}',
  education: 'هذه هي المرة الأولى، لذلك لا توجد عواقب أخرى. يرجى قراءة القاعدة.',
  warned: 'هذا تحذير. يبقى محسوبًا حتى {until}.',
  suspended: 'حتى {until} لا يمكنك استخدام: {features}.',
  disabled: 'تم تعطيل حسابك.',
  ended: 'لم يعد لذلك أي أثر على حسابك الآن.',
  automatic: 'تم اكتشاف ذلك والبتّ فيه تلقائيًا.',
  partly: 'شارك في ذلك نظام آلي وشخص.',
  person: 'اتخذ شخص هذا القرار.',
  appeal: 'إذا كنت ترى أن هذا خطأ، يمكنك الاعتراض حتى {until}.',
  reversed: 'راجعنا القرار وكان خاطئًا. أُلغي القرار وكل ما ترتب عليه. نعتذر.',
  modified: 'راجعنا القرار وعدّلناه.',
  upheld: 'راجعنا القرار وأبقينا عليه.',
  appealReceived: 'وصلنا اعتراضك. سينظر فيه شخص لم يتخذ القرار.',
  nothing: 'لا يلزمك فعل أي شيء.',
}
const hi: Words = {
  removed: 'हमने {context} में {date} की आपकी सामग्री हटा दी है।',
  decided: 'हमने {context} में {date} की आपकी गतिविधि पर निर्णय लिया है।',
  rule: 'कारण: {title}। {text}',
  education: 'यह पहली बार है, इसलिए इसका कोई और असर नहीं होगा। कृपया नियम पढ़ें।',
  warned: 'यह एक चेतावनी है। यह {until} तक गिनी जाएगी।',
  suspended: '{until} तक आप इनका उपयोग नहीं कर सकते: {features}।',
  disabled: 'आपका खाता बंद कर दिया गया है।',
  ended: 'अब आपके खाते पर इसका कोई असर नहीं है।',
  automatic: 'इसे अपने-आप पाया और तय किया गया।',
  partly: 'इसमें एक स्वचालित प्रणाली और एक व्यक्ति दोनों शामिल थे।',
  person: 'यह निर्णय एक व्यक्ति ने लिया।',
  appeal: 'अगर आपको यह गलत लगता है, तो आप {until} तक अपील कर सकते हैं।',
  reversed: 'हमने दोबारा देखा और हमारा निर्णय गलत था। निर्णय और उसके सभी असर वापस ले लिए गए हैं। हमें खेद है।',
  modified: 'हमने दोबारा देखा और अपना निर्णय बदल दिया।',
  upheld: 'हमने दोबारा देखा और हमारा निर्णय बना रहेगा।',
  appealReceived: 'हमें आपकी अपील मिल गई है। इसे वह व्यक्ति देखेगा जिसने निर्णय नहीं लिया था।',
  nothing: 'आपको कुछ करने की ज़रूरत नहीं है।',
}
const ja: Words = {
  removed: '{context}での{date}のあなたの投稿を削除しました。',
  decided: '{context}での{date}のあなたの行為について決定しました。',
  rule: '理由：{title}。{text}',
  education: '今回が初めてのため、これ以上の影響はありません。ルールをお読みください。',
  warned: 'これは警告です。{until}まで記録に残ります。',
  suspended: '{until}まで、次の機能は使えません：{features}。',
  disabled: 'あなたのアカウントは停止されました。',
  ended: '現在、あなたのアカウントへの影響はありません。',
  automatic: 'これは自動的に検出され、決定されました。',
  partly: 'これには自動システムと人の両方が関わりました。',
  person: 'これは人が決定しました。',
  appeal: '誤りだと思われる場合は、{until}まで異議を申し立てることができます。',
  reversed: '見直した結果、私たちの決定は誤りでした。決定とその影響をすべて取り消しました。申し訳ありません。',
  modified: '見直した結果、決定を変更しました。',
  upheld: '見直した結果、決定は変わりません。',
  appealReceived: '異議申し立てを受け付けました。決定に関わっていない者が確認します。',
  nothing: 'お手続きは必要ありません。',
}

export const words: Record<string, Words> = { en, es, de, fr, pt, ar, hi, ja }
export const languages = Object.keys(words)
