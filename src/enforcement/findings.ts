import type { Finding } from '../domain/entry.ts'

/**
 * By what a decision came about, as the affected person reads it: no thresholds, no ids, no count of detectors, and nothing
 * about those who reported.
 */
const found: Record<string, Record<Finding, string>> = {
  en: {
    picture:
      'We compared the pictures in it with pictures that are known to break the rules, and one is the same or very similar.',
    text: 'We compared its words with texts that are known to break the rules, and they read the same.',
    activity: 'An automated check of the activity of the account found a pattern that this rule is about.',
    check: 'An automated check drew our attention to it.',
    report: 'It was reported to us.',
    person: 'A person looked at it and found that it breaks the rule.',
  },
  es: {
    picture:
      'Comparamos sus imágenes con imágenes que se sabe que incumplen las normas, y una es igual o muy parecida.',
    text: 'Comparamos sus palabras con textos que se sabe que incumplen las normas, y dicen lo mismo.',
    activity:
      'Una comprobación automática de la actividad de la cuenta encontró un patrón al que se refiere esta norma.',
    check: 'Una comprobación automática nos lo señaló.',
    report: 'Nos lo denunciaron.',
    person: 'Una persona lo revisó y vio que incumple la norma.',
  },
  de: {
    picture:
      'Wir haben die Bilder darin mit Bildern verglichen, von denen bekannt ist, dass sie gegen die Regeln verstoßen. Eines ist gleich oder sehr ähnlich.',
    text: 'Wir haben die Worte darin mit Texten verglichen, von denen bekannt ist, dass sie gegen die Regeln verstoßen. Sie lauten gleich.',
    activity:
      'Eine automatische Prüfung der Aktivität des Kontos hat ein Muster gefunden, um das es in dieser Regel geht.',
    check: 'Eine automatische Prüfung hat uns darauf aufmerksam gemacht.',
    report: 'Es wurde uns gemeldet.',
    person: 'Ein Mensch hat es sich angesehen und festgestellt, dass es gegen die Regel verstößt.',
  },
  fr: {
    picture:
      "Nous avons comparé ses images avec des images connues pour enfreindre les règles : l'une d'elles est identique ou très proche.",
    text: 'Nous avons comparé ses mots avec des textes connus pour enfreindre les règles : ils disent la même chose.',
    activity: "Une vérification automatique de l'activité du compte a trouvé un comportement visé par cette règle.",
    check: 'Une vérification automatique a attiré notre attention.',
    report: 'Cela nous a été signalé.',
    person: "Une personne l'a examiné et a constaté que cela enfreint la règle.",
  },
  pt: {
    picture:
      'Comparámos as suas imagens com imagens que se sabe que violam as regras, e uma é igual ou muito parecida.',
    text: 'Comparámos as suas palavras com textos que se sabe que violam as regras, e dizem o mesmo.',
    activity: 'Uma verificação automática da atividade da conta encontrou um padrão de que esta regra trata.',
    check: 'Uma verificação automática chamou a nossa atenção.',
    report: 'Foi-nos denunciado.',
    person: 'Uma pessoa analisou-o e concluiu que viola a regra.',
  },
  ar: {
    picture: 'قارنّا الصور الموجودة فيه بصور معروفة بمخالفتها للقواعد، وإحداها مطابقة أو مشابهة جدًا.',
    text: 'قارنّا كلماته بنصوص معروفة بمخالفتها للقواعد، وهي مطابقة لها.',
    activity: 'وجد فحص آلي لنشاط الحساب نمطًا تتناوله هذه القاعدة.',
    check: 'نبّهنا إليه فحص آلي.',
    report: 'تم الإبلاغ عنه لدينا.',
    person: 'اطّلع عليه شخص ووجد أنه يخالف القاعدة.',
  },
  hi: {
    picture: 'हमने इसकी तस्वीरों की तुलना उन तस्वीरों से की जो नियम तोड़ने के लिए जानी जाती हैं, और एक वैसी ही या बहुत मिलती-जुलती है।',
    text: 'हमने इसके शब्दों की तुलना उन लेखों से की जो नियम तोड़ने के लिए जाने जाते हैं, और वे एक जैसे हैं।',
    activity: 'खाते की गतिविधि की एक स्वचालित जाँच में ऐसा तरीका मिला जिसके बारे में यह नियम है।',
    check: 'एक स्वचालित जाँच ने हमारा ध्यान इस ओर दिलाया।',
    report: 'हमें इसकी शिकायत मिली।',
    person: 'एक व्यक्ति ने इसे देखा और पाया कि यह नियम तोड़ता है।',
  },
  ja: {
    picture: '含まれる画像を、ルール違反として知られている画像と比べたところ、同じか非常によく似たものがありました。',
    text: '言葉を、ルール違反として知られている文章と比べたところ、同じでした。',
    activity: 'アカウントの行動の自動確認で、このルールが対象とするパターンが見つかりました。',
    check: '自動確認によって見つかりました。',
    report: '私たちに報告がありました。',
    person: '人が確認し、ルールに違反していると判断しました。',
  },
}

/** Findings as sentences, in English where there are no words for the language. */
export function findingsIn(language: string, findings: readonly Finding[]): string {
  const sentences = found[language] ?? found.en!
  // Japanese sets no blank between sentences.
  return findings.map((finding) => sentences[finding]).join(language === 'ja' ? '' : ' ')
}
