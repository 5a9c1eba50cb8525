/** Every text of the public pages. Short sentences: a tired person must understand them at the first reading. */
export type Messages = {
  /** The language's own name, for the links to it. */
  name: string
  direction: 'ltr' | 'rtl'
  chooseLanguage: string
  backToAccount: string

  accountTitle: string
  /** Before the id of the account. */
  account: string
  limitsTitle: string
  noLimits: string
  everywhere: string
  notPossible: string
  everything: string
  warning: string
  /** {when} */
  until: string
  noEnd: string
  decisionsTitle: string
  noDecisions: string
  inForce: string
  changed: string
  takenBack: string
  over: string
  appealRunning: string
  nextTitle: string
  nextAppeal: string
  nextNothing: string

  decisionTitle: string
  decidedOn: string
  whatTitle: string
  /** {where} */
  whatRemoved: string
  /** {where} */
  whatDecided: string
  whatTakenBack: string
  whatRestored: string
  yourWords: string
  followsTitle: string
  followsNothing: string
  whyTitle: string
  whyRule: string
  readRule: string
  groundLaw: string
  groundTerms: string
  factsTitle: string
  howTitle: string
  foundByComputer: string
  foundByReport: string
  foundByPeople: string
  decidedByComputer: string
  decidedPartly: string
  decidedByPerson: string
  correctionTitle: string
  numberOfDecision: string

  appealTitle: string
  appealWho: string
  /** {when} */
  appealUntil: string
  appealButton: string
  /** {when} */
  appealTooLate: string
  /** {when} */
  appealAsked: string
  appealAnswerHere: string
  upheld: string
  overturned: string
  modified: string
  outcomeReason: string
  otherWays: string
  formLead: string
  /** {max} */
  formLabel: string
  formPrivacy: string
  formSend: string
  /** {count} {max} */
  formTooLong: string
  formStale: string
  doneTitle: string
  doneText: string
  appealRefused: string

  linkTitle: string
  linkText: string
  noDecisionTitle: string
  noDecisionText: string
  brokenTitle: string
  brokenText: string

  contexts: Record<KnownContext, string>
  features: Record<KnownFeature, string>
}

/** Contexts and features of the reference policy have names in every language; others are shown as the policy names them. */
export type KnownContext = 'private_messaging' | 'community_messaging' | 'feed' | 'genai' | 'monetisation' | 'default'
export type KnownFeature =
  | 'send_message'
  | 'start_thread'
  | 'send_media'
  | 'post'
  | 'invite'
  | 'comment'
  | 'share'
  | 'generate'
  | 'create_character'
  | 'payouts'
  | 'ads'
